//! The streaming rewriter of one HLS playlist: chunks in, chunks out, bounded memory.

use crate::body::Rewriter;
use crate::error::RewriteError;
use crate::multivariant::stage::MultivariantStage;
use crate::playlist::lines::LineSplitter;
use crate::uri::define_stage::DefineStage;
use crate::uri::policy::UriPolicy;
use crate::uri::stage::UriStage;

/// One step of the rewrite: whole lines in, whole lines out.
pub trait Stage {
    /// Takes a block of whole lines, appends what is ready.
    ///
    /// # Errors
    /// [`RewriteError`]; the stage is not used after one.
    fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError>;

    /// The playlist has ended; appends what is left.
    ///
    /// # Errors
    /// As [`Stage::lines`].
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError>;
}

/// Rewrites one playlist, stage after stage; the last one writes the URIs, so that what the others put in is written too.
pub struct PlaylistRewriter {
    splitter: LineSplitter,
    stages: Stages,
}

struct Stages {
    before: Vec<(Box<dyn Stage>, Vec<u8>)>,
    uris: UriStage,
}

impl PlaylistRewriter {
    /// A rewriter for a playlist that was fetched with `query` (without the question mark).
    pub fn new(policy: UriPolicy, query: &str) -> Self {
        Self {
            splitter: LineSplitter::default(),
            stages: Stages {
                before: Vec::new(),
                uris: UriStage::new(policy, query),
            },
        }
    }

    /// Adds a stage, after those that are there and before the URIs.
    #[must_use]
    pub fn then(mut self, stage: impl Stage + 'static) -> Self {
        self.stages.before.push((Box::new(stage), Vec::new()));
        self
    }
}

impl Rewriter for PlaylistRewriter {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let stages = &mut self.stages;
        self.splitter
            .push(chunk, |block| stages.lines(block, 0, out))
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let stages = &mut self.stages;
        self.splitter.finish(|block| stages.lines(block, 0, out))?;
        for from in 0..stages.before.len() {
            let (stage, buffer) = &mut stages.before[from];
            let mut last = std::mem::take(buffer);
            last.clear();
            stage.finish(&mut last)?;
            stages.lines(&last, from + 1, out)?;
        }
        Ok(())
    }
}

impl Stages {
    /// Sends a block through the stages from the one at `from`.
    fn lines(&mut self, block: &[u8], from: usize, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        if block.is_empty() {
            return Ok(());
        }
        let Some((stage, buffer)) = self.before.get_mut(from) else {
            return self.uris.lines(block, out);
        };
        // The buffer goes along and comes back, so that it is allocated once.
        let mut next = std::mem::take(buffer);
        next.clear();
        stage.lines(block, &mut next)?;
        self.lines(&next, from + 1, out)?;
        self.before[from].1 = next;
        Ok(())
    }
}

impl Stage for DefineStage {
    fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        DefineStage::lines(self, block, out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        DefineStage::finish(self, out)
    }
}

impl Stage for MultivariantStage {
    fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), RewriteError> {
        MultivariantStage::lines(self, block, out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        MultivariantStage::finish(self, out)
    }
}

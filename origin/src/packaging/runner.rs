//! One packaging run.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use weir_packager::{
    Layout, Options, OutputKind, Packager, Presentation, Probe, ProbeStep, Progress, Report, Step,
};

use super::{MediaInput, OutputSink, PackagingError};

/// Bytes that may wait to be written. One file more than this is let through, so large segments still pass.
const MAX_PENDING_BYTES: u64 = 8 << 20;

/// How to run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// What to make.
    pub packager: Options,
    /// Files that are written at once.
    pub write_concurrency: usize,
    /// Stops the run.
    pub cancel: CancellationToken,
}

/// What a run has made.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The packager's account.
    pub report: Report,
    /// Files written.
    pub files: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// Reads the index of a source and says what it holds.
///
/// # Errors
/// [`PackagingError`].
pub async fn probe(input: &dyn MediaInput) -> Result<Presentation, PackagingError> {
    let mut probe = Probe::new(input.length())?;
    loop {
        match probe.step()? {
            ProbeStep::Read(range) => {
                let data = input
                    .read(range.start, range.end.min(input.length()))
                    .await
                    .map_err(PackagingError::Read)?;
                probe.supply(range.start, data)?;
            }
            ProbeStep::Done(presentation) => return Ok(*presentation),
        }
    }
}

/// Packages `inputs` into `sink`. A playlist is written when everything it names is.
///
/// # Errors
/// [`PackagingError`]; what was written until then stays and is the caller's to remove.
pub async fn package(
    inputs: &[Arc<dyn MediaInput>],
    sink: &dyn OutputSink,
    options: &RunOptions,
    mut on_progress: impl FnMut(Progress) + Send,
) -> Result<Summary, PackagingError> {
    // The parts of one file must stay in order.
    let concurrency = if options.packager.layout == Layout::SingleFile {
        1
    } else {
        options.write_concurrency
    };
    let mut packager = new_packager(inputs, options.packager.clone())?;
    let mut writes = FuturesUnordered::new();
    let (mut pending, mut files, mut bytes) = (0_u64, 0_u64, 0_u64);
    let mut stage = 0;
    loop {
        if options.cancel.is_cancelled() {
            return Err(PackagingError::Cancelled);
        }
        let step;
        (packager, step) = stepped(packager).await?;
        match step {
            Step::Read { input, range } => {
                let source = inputs.get(input).ok_or_else(|| {
                    weir_packager::Error::Protocol(format!(
                        "input {input} was asked for, but there are {}",
                        inputs.len()
                    ))
                })?;
                let end = range.end.min(source.length());
                let data = tokio::select! {
                    read = source.read(range.start, end) => read.map_err(PackagingError::Read)?,
                    () = options.cancel.cancelled() => return Err(PackagingError::Cancelled),
                };
                packager.supply(input, range.start, data)?;
                on_progress(packager.progress());
            }
            Step::Write(output) => {
                let size = output.len();
                let starts_stage = stage_of(output.kind) > stage;
                stage = stage.max(stage_of(output.kind));
                while !writes.is_empty()
                    && (starts_stage || writes.len() >= concurrency || pending > MAX_PENDING_BYTES)
                {
                    pending -= finished(writes.next().await)?;
                }
                pending += size;
                files += 1;
                bytes += size;
                writes.push(async move { sink.write(output).await.map(|()| size) });
            }
            Step::Done(report) => {
                while !writes.is_empty() {
                    finished(writes.next().await)?;
                }
                on_progress(packager.progress());
                return Ok(Summary {
                    report: *report,
                    files,
                    bytes,
                });
            }
        }
    }
}

fn new_packager(
    inputs: &[Arc<dyn MediaInput>],
    options: Options,
) -> Result<Packager, PackagingError> {
    let lengths: Vec<u64> = inputs.iter().map(|input| input.length()).collect();
    Ok(Packager::with_inputs(&lengths, options)?)
}

/// Takes one step where it may take its time: parsing an index of 50 MB must not hold up other requests.
async fn stepped(mut packager: Packager) -> Result<(Packager, Step), PackagingError> {
    let step = spawn_blocking(move || packager.step().map(|step| (packager, step)));
    Ok(step.await.map_err(PackagingError::Defect)??)
}

fn finished(
    write: Option<Result<u64, crate::storage::StorageError>>,
) -> Result<u64, PackagingError> {
    write.unwrap_or(Ok(0)).map_err(PackagingError::Write)
}

/// The order in which kinds of files become visible: media, then media playlists, then what names those.
fn stage_of(kind: OutputKind) -> u8 {
    match kind {
        OutputKind::MediaPlaylist => 1,
        OutputKind::MultivariantPlaylist | OutputKind::DashManifest => 2,
        _ => 0,
    }
}

//! Packages on request what was packaged whole, and compares.

use weir_packager::{Index, IndexStep, Indexer, Options, Resource, SegmentStep};

use crate::support::package;

/// The same index from its sidecar makes the same segments on request.
pub(crate) fn on_request_is_the_same(input: &[u8]) {
    let options = Options::default();
    let run = package(&[input], options.clone()).unwrap();
    let bytes = |range: weir_packager::ByteRange| {
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        bytes::Bytes::copy_from_slice(&input[range])
    };
    let mut indexer = Indexer::new(&[input.len() as u64], options.clone()).unwrap();
    let index = loop {
        match indexer.step().unwrap() {
            IndexStep::Read { range, .. } => indexer.supply(0, range.start, bytes(range)).unwrap(),
            IndexStep::Done(index) => break index,
        }
    };
    let again = Index::from_sidecar(index.sidecar(), &options).unwrap();
    for (name, data) in run.files.iter().filter(|(name, _)| name.ends_with(".m4s")) {
        let Some(Resource::Segment(mut request)) = again.open(name).unwrap() else {
            panic!("{name} is a segment")
        };
        let output = loop {
            match request.step().unwrap() {
                SegmentStep::Read { range, .. } => {
                    request.supply(range.start, bytes(range)).unwrap()
                }
                SegmentStep::Done(output) => break output,
            }
        };
        assert!(output.body.concat() == *data, "{name}");
    }
}

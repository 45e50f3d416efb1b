//! Makes one file of a film on request: `cargo run --example on_request -- FILM SIDECAR PATH > FILE`, such as `video-1/00001.m4s` for PATH.
//! The index is kept at SIDECAR, so that the next run need not look for it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use weir_packager::{ByteRange, Index, IndexStep, Indexer, Options, Resource, SegmentStep};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [film, sidecar, path] = arguments.as_slice() else {
        return Err("usage: on_request FILM SIDECAR PATH".into());
    };
    let film = File::open(film)?;
    let len = film.metadata()?.len();
    let read = |range: ByteRange| -> io::Result<Bytes> {
        let len = usize::try_from(range.len()).map_err(io::Error::other)?;
        let mut data = vec![0; len];
        film.read_exact_at(&mut data, range.start)?;
        Ok(data.into())
    };
    let options = Options::default();
    let index = if fs::exists(sidecar)? {
        Index::from_sidecar(fs::read(sidecar)?.into(), &options)?
    } else {
        let mut indexer = Indexer::new(&[len], options)?;
        let index = loop {
            match indexer.step()? {
                IndexStep::Read { input, range } => {
                    indexer.supply(input, range.start, read(range)?)?;
                }
                IndexStep::Done(index) => break index,
            }
        };
        fs::write(sidecar, index.sidecar())?;
        *index
    };
    let output = match index.open(path)? {
        None => return Err(format!("the presentation has no file {path}").into()),
        Some(Resource::Ready(output)) => output,
        Some(Resource::Segment(mut request)) => loop {
            match request.step()? {
                SegmentStep::Read { range, .. } => request.supply(range.start, read(range)?)?,
                SegmentStep::Done(output) => break output,
            }
        },
    };
    let mut out = io::stdout().lock();
    for part in &output.body {
        out.write_all(part)?;
    }
    Ok(())
}

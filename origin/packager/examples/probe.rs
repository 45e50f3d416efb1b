//! Says what a film holds: `cargo run --example probe -- FILM`. With `--index` it makes the whole index, and says how large the sidecar is.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use weir_packager::{ByteRange, IndexStep, Indexer, Options, Probe, ProbeStep};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let index = arguments.iter().position(|argument| argument == "--index");
    index.map(|at| arguments.remove(at));
    let [path] = arguments.as_slice() else {
        return Err("usage: probe [--index] FILM".into());
    };
    let film = File::open(path)?;
    let len = film.metadata()?.len();
    let read = |range: ByteRange| -> io::Result<Bytes> {
        let len = usize::try_from(range.len()).map_err(io::Error::other)?;
        let mut data = vec![0; len];
        film.read_exact_at(&mut data, range.start)?;
        Ok(data.into())
    };
    if index.is_some() {
        let mut indexer = Indexer::new(&[len], Options::default())?;
        let index = loop {
            match indexer.step()? {
                IndexStep::Read { input, range } => {
                    indexer.supply(input, range.start, read(range)?)?;
                }
                IndexStep::Done(index) => break index,
            }
        };
        println!("{} files", index.paths()?.len());
        println!("a sidecar of {} bytes", index.sidecar().len());
        return Ok(());
    }
    let mut probe = Probe::new(len)?;
    loop {
        match probe.step()? {
            ProbeStep::Read(range) => probe.supply(range.start, read(range)?)?,
            ProbeStep::Done(presentation) => {
                println!("{}", serde_json::to_string_pretty(&presentation)?);
                return Ok(());
            }
        }
    }
}

//! Packages one film, or several renditions of it, into a folder: `cargo run --example package -- OUT IN…`.
//!
//! The environment variable `PACKAGE_OPTIONS` takes options as JSON, such as `{"layout":"single-file","dash":true}`.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use weir_packager::{Options, Packager, Step};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = arguments.next().ok_or("usage: package OUT IN…")?;
    let inputs: Vec<File> = arguments.map(File::open).collect::<Result<_, _>>()?;
    let lengths = inputs
        .iter()
        .map(|input| Ok(input.metadata()?.len()))
        .collect::<std::io::Result<Vec<_>>>()?;
    let options = match std::env::var("PACKAGE_OPTIONS") {
        Ok(text) => serde_json::from_str(&text)?,
        Err(_) => Options::default(),
    };
    let mut packager = Packager::with_inputs(&lengths, options)?;
    let mut buffers = Buffers::default();
    loop {
        match packager.step()? {
            Step::Read { input, range } => {
                let mut data = buffers.take(usize::try_from(range.len())?);
                inputs[input].read_exact_at(&mut data, range.start)?;
                packager.supply(input, range.start, buffers.lend(data))?;
            }
            Step::Write(output) => {
                let path = Path::new(&out).join(&output.path);
                fs::create_dir_all(path.parent().unwrap_or(Path::new(&out)))?;
                // A file that comes in parts goes on where it ended.
                let first = output.position == 0;
                let mut file = OpenOptions::new()
                    .create(true)
                    .write(true)
                    .truncate(first)
                    .append(!first)
                    .open(path)?;
                for part in &output.body {
                    file.write_all(part)?;
                }
            }
            Step::Done(report) => {
                println!("{}", serde_json::to_string_pretty(&report)?);
                return Ok(());
            }
        }
    }
}

/// Read buffers that are used again once the packager has let go of them: fresh memory costs the kernel more than the copy.
#[derive(Default)]
struct Buffers {
    lent: Vec<Bytes>,
}

impl Buffers {
    fn take(&mut self, len: usize) -> BytesMut {
        let free = self
            .lent
            .iter()
            .position(Bytes::is_unique)
            .map(|at| self.lent.swap_remove(at));
        let mut buffer = free
            .and_then(|buffer| buffer.try_into_mut().ok())
            .unwrap_or_default();
        buffer.resize(len, 0);
        buffer
    }

    fn lend(&mut self, buffer: BytesMut) -> Bytes {
        let buffer = buffer.freeze();
        self.lent.push(buffer.clone());
        buffer
    }
}

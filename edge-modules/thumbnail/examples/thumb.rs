//! Makes one picture from the command line: `thumb IN "w=320&format=webp" OUT [TIMES [EFFORT]]`, for measuring and for looking.

use std::time::Instant;

use thumbnail::accept::AcceptClass;
use thumbnail::options::query;
use thumbnail::pipeline::{Settings, transform};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: thumb IN OPTIONS OUT [TIMES [EFFORT]]";
    let input = std::fs::read(arguments.next().expect(usage)).expect("the input can be read");
    let options =
        query::read(&arguments.next().expect(usage)).and_then(|draft| draft.finish(16_383));
    let options = options.unwrap_or_else(|error| panic!("{error}"));
    let out = arguments.next().expect(usage);
    let times: u32 = arguments
        .next()
        .map_or(1, |times| times.parse().expect(usage));
    let mut settings = Settings::default();
    if let Some(effort) = arguments.next() {
        settings.webp_effort = effort.parse().expect(usage);
    }
    let mut best = f64::INFINITY;
    let mut output = None;
    for _ in 0..times.max(1) {
        let start = Instant::now();
        output = Some(transform(&input, &options, AcceptClass::WebP, &settings));
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
    }
    match output {
        Some(Ok(output)) => {
            println!(
                "{} {}x{} {} bytes, best of {times}: {best:.2} ms",
                output.format.as_str(),
                output.width,
                output.height,
                output.bytes.len()
            );
            std::fs::write(out, output.bytes).expect("the output can be written");
        }
        Some(Err(error)) => println!("refused: {error} (best of {times}: {best:.2} ms)"),
        None => unreachable!("at least one round"),
    }
}

//! How a server delivers.

use crate::lint_support::listed;
use weir_packager::lint::{Delivery, Linter, Options, Response, Step};

/// The rules that are checked here.
pub(crate) const RULES: [&str; 4] = ["apple-8.18", "apple-10.1", "apple-10.4", "apple-11.1"];

/// A server that does everything wrong breaks all of them; one that does everything right, none.
pub(crate) fn check() {
    let wrong = Delivery {
        content_type: Some("text/html; charset=utf-8".to_owned()),
        content_encoding: None,
        redirected_to: None,
    };
    let found = lint(
        "http://video.example/",
        &wrong,
        Some("http://cdn.example/a.ts"),
    );
    for rule in RULES {
        assert!(found.contains(rule), "{rule} is not in\n{found}");
    }
    let right = Delivery {
        content_type: Some("application/vnd.apple.mpegurl".to_owned()),
        content_encoding: Some("gzip".to_owned()),
        redirected_to: None,
    };
    let found = lint("https://video.example/", &right, None);
    for rule in RULES {
        assert!(!found.contains(rule), "{rule} is in\n{found}");
    }
}

fn lint(base: &str, playlist: &Delivery, redirect: Option<&str>) -> String {
    let mut linter = Linter::new(&format!("{base}index.m3u8"), Options::default()).unwrap();
    loop {
        match linter.step() {
            Step::Read(request) if request.range.is_none() => {
                let text = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts\n#EXT-X-ENDLIST\n";
                linter.supply(Response {
                    delivery: Some(playlist.clone()),
                    ..Response::whole(text)
                });
            }
            Step::Read(_) => linter.supply(Response {
                delivery: Some(Delivery {
                    content_type: Some(match redirect {
                        Some(_) => "text/plain".to_owned(),
                        None => "video/mp2t".to_owned(),
                    }),
                    content_encoding: None,
                    redirected_to: redirect.map(str::to_owned),
                }),
                ..Response::whole(vec![0x47; 188])
            }),
            Step::Done(report) => return listed(&report),
        }
    }
}

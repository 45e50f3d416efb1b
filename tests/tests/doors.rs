//! One corpus of request heads through both doors of every module: the answers, the edits and the refusals must be equal.
//!
//! The node asks the fast door; Spin and `wasmtime serve` the standard handler. Whoever reads one configuration must be able to
//! rely on one behaviour.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use weir_tests::tokens;
use weir_tests::wasm::{Door, Handler, Verdict, edits, environment};
use weir_tests::{heads, locate};

/// A module under one configuration.
struct Subject {
    module: &'static str,
    configuration: String,
}

fn subjects() -> Vec<Subject> {
    let secret = tokens::SECRET;
    let token_check = |more: &str| Subject {
        module: "token-check",
        configuration: format!(
            "{more}\n[[keys]]\nsecret = \"{secret}\"\nalgorithms = [\"HS256\"]\n"
        ),
    };
    let rate_limit = |text: &str| Subject {
        module: "rate-limit",
        configuration: text.to_owned(),
    };
    let manifest_rewrite = |text: &str| Subject {
        module: "manifest-rewrite",
        configuration: text.to_owned(),
    };
    let thumbnail = |text: &str| Subject {
        module: "thumbnail",
        configuration: text.to_owned(),
    };
    let geo_block = |text: &str| Subject {
        module: "geo-block",
        configuration: text.to_owned(),
    };
    let experiment = |text: &str| Subject {
        module: "experiment",
        configuration: text.to_owned(),
    };
    vec![
        geo_block(
            "[headers]\ncountry = \"weir-country\"\n[[rules]]\nname = \"licence\"\npaths = [\"/vod/*\"]\n\
             allow = [\"DE\", \"AT\"]\nblocked-by = \"https://tv.example/legal\"",
        ),
        geo_block(
            "unknown = \"allow\"\n[[rules]]\nname = \"nowhere\"\nstatus = 403\ndeny = [\"*\"]",
        ),
        experiment(
            "[[experiments]]\nname = \"ladder\"\nvariants = [{ name = \"usual\" }, { name = \"low\" }]\n\
             [exposure]\nlog = false\ncookie = \"seen\"",
        ),
        token_check(""),
        token_check("access = \"optional\"\npropagate = \"header\"\nexpired-status = 410"),
        token_check("access = \"closed\"\n[[routes]]\npaths = [\"/vod/**\"]\naccess = \"public\""),
        rate_limit(""),
        rate_limit("[tiers.free]\nrate = \"3/1m\"\n[tiers.premium]\nrate = \"5/1m\""),
        rate_limit("deny = [\"203.0.113.0/24\"]\n[client]\nsource = \"weir-client-ip\""),
        manifest_rewrite(""),
        thumbnail(""),
    ]
}

/// What both doors can be compared by.
#[derive(Debug, PartialEq)]
enum Outcome {
    Answered {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    Passed {
        method: String,
        target: String,
        request: Vec<(String, String)>,
        status: u16,
        response: Vec<(String, String)>,
    },
    Exchanged,
}

#[test]
fn both_doors_of_every_module_agree_on_every_head() {
    let corpus = heads::corpus();
    let mut differences = Vec::new();
    let (mut answers, mut passes, mut exchanges) = (0, 0, 0);
    for Subject {
        module,
        configuration,
    } in subjects()
    {
        let environment = [environment(module, &configuration)];
        let mut door = Door::load(
            &locate::dist(&format!("node/{module}.door.wasm")),
            &environment,
            BTreeMap::new(),
        )
        .unwrap_or_else(|error| panic!("{module} with\n{configuration}\n{error:#}"));
        let handler = Handler::load(&locate::dist(&format!("node/{module}.wasm")), &environment)
            .unwrap_or_else(|error| panic!("{module}: {error:#}"));
        for head in &corpus {
            let verdict = door
                .decide(
                    tokens::now_ns(),
                    &head.method,
                    &head.target,
                    &head.with_pseudo_headers(),
                )
                .unwrap_or_else(|error| {
                    panic!("{module}: {} {}: {error:#}", head.method, head.target)
                });
            let by_handler = through_handler(&handler, head, verdict == Verdict::Exchange)
                .unwrap_or_else(|error| {
                    panic!("{module}: {} {}: {error:#}", head.method, head.target)
                });
            let by_door = through_door(verdict, head);
            match by_door {
                Outcome::Answered { .. } => answers += 1,
                Outcome::Passed { .. } => passes += 1,
                Outcome::Exchanged => exchanges += 1,
            }
            if !equal(&by_door, &by_handler) {
                differences.push(format!(
                    "{module} ({:?}): {} {}\n  headers {:?}\n  door    {by_door:?}\n  handler {by_handler:?}",
                    configuration.replace('\n', "; "),
                    head.method,
                    head.target,
                    head.headers,
                ));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n\n")
    );
    // A corpus that reaches only one verdict would prove little.
    assert!(
        answers > 50 && passes > 50 && exchanges > 5,
        "{answers} answers, {passes} passes, {exchanges} exchanges"
    );
    println!(
        "{} heads through {} configurations: {answers} answers, {passes} passes, {exchanges} exchanges",
        corpus.len(),
        subjects().len()
    );
}

/// What the rest of the chain answers.
fn rest_of_the_chain(_request: &http::Request<Bytes>) -> http::Response<Bytes> {
    http::Response::builder()
        .header("content-type", "application/octet-stream")
        .header("etag", "\"one\"")
        .header("cache-control", "max-age=60")
        .body(Bytes::from_static(b"sixteen bytes..."))
        .expect("a plain response")
}

fn through_door(verdict: Verdict, head: &heads::Head) -> Outcome {
    match verdict {
        Verdict::Exchange => Outcome::Exchanged,
        Verdict::Answer(answer) => {
            let (status, headers, body) = answer.render(None);
            let mut headers: Vec<_> = headers
                .into_iter()
                .map(|(name, value)| {
                    (
                        name.into_owned(),
                        String::from_utf8_lossy(&value).into_owned(),
                    )
                })
                .collect();
            headers.sort_by(|one, other| one.0.cmp(&other.0));
            let body = if head.method == "HEAD" {
                String::new()
            } else {
                String::from_utf8_lossy(&body).into_owned()
            };
            Outcome::Answered {
                status,
                headers,
                body,
            }
        }
        Verdict::Pass(changes) => {
            let mut request = head.request();
            edits::apply_to_request(&changes, &mut request);
            let mut response = rest_of_the_chain(&request);
            edits::apply_to_response(&changes, response.headers_mut());
            Outcome::Passed {
                method: request.method().to_string(),
                target: request
                    .uri()
                    .path_and_query()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                request: edits::sorted(request.headers()),
                status: response.status().as_u16(),
                response: edits::sorted(response.headers()),
            }
        }
    }
}

fn through_handler(
    handler: &Handler,
    head: &heads::Head,
    exchange: bool,
) -> anyhow::Result<Outcome> {
    let exchanged = handler.call(head.request(), Arc::new(rest_of_the_chain))?;
    if exchange && !exchanged.to_next.is_empty() {
        // What comes of an exchange is the component tests' matter; here it must be one.
        return Ok(Outcome::Exchanged);
    }
    let mut response = exchanged.response;
    let [request] = exchanged.to_next.as_slice() else {
        anyhow::ensure!(
            exchanged.to_next.is_empty(),
            "the next handler was called {} times",
            exchanged.to_next.len()
        );
        // The adapter says how long the body is; the node does so for a door's answer.
        if let Some(length) = response.headers_mut().remove("content-length")
            && head.method != "HEAD"
        {
            anyhow::ensure!(
                length == response.body().len().to_string(),
                "content-length {length:?} is not the body's"
            );
        }
        return Ok(Outcome::Answered {
            status: response.status().as_u16(),
            headers: edits::sorted(response.headers()),
            body: String::from_utf8_lossy(response.body()).into_owned(),
        });
    };
    anyhow::ensure!(
        response.body() == "sixteen bytes...",
        "the body was changed on a pass"
    );
    Ok(Outcome::Passed {
        method: request.method().to_string(),
        target: request
            .uri()
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        request: edits::sorted(request.headers()),
        status: response.status().as_u16(),
        response: edits::sorted(response.headers()),
    })
}

/// Equal, but for a second that may turn between the two calls in values that tell a time.
fn equal(one: &Outcome, other: &Outcome) -> bool {
    if one == other {
        return true;
    }
    let (one, other) = (format!("{one:?}"), format!("{other:?}"));
    let (one, other) = (split_numbers(&one), split_numbers(&other));
    one.0 == other.0
        && one.1.len() == other.1.len()
        && one.1.iter().zip(&other.1).all(|(a, b)| a.abs_diff(*b) <= 1)
}

/// A text without its short numbers, and those numbers. Long ones (digests, dates in nanoseconds) stay in the text.
fn split_numbers(text: &str) -> (String, Vec<u64>) {
    let mut rest = String::new();
    let mut numbers = Vec::new();
    let mut digits = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        if !digits.is_empty() {
            match digits.parse::<u64>() {
                Ok(number) if digits.len() <= 5 => numbers.push(number),
                _ => rest.push_str(&digits),
            }
            digits.clear();
        }
        rest.push(character);
    }
    (rest, numbers)
}

//! The module through the SDK, before an origin that a test makes up.

use thumbnail::Thumbnail;
use weir_module::testing::{Outcome, TestHost, decide, exchange};
use weir_module::{Answer, AnswerBody, Edit, Forward, Module, ResponseHead, Verdict};

pub const WEBP: (&str, &str) = ("accept", "image/avif,image/webp,*/*;q=0.8");

pub fn module(config: &str) -> Thumbnail {
    Thumbnail::configure(config).unwrap()
}

pub fn response(status: u16, headers: &[(&str, &str)], body: Vec<u8>) -> (ResponseHead, Vec<u8>) {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    (ResponseHead { status, headers }, body)
}

/// Sends one request whose origin answers with `files`, by target.
pub fn run(
    config: &str,
    (method, target): (&str, &str),
    headers: &[(&str, &str)],
    origin: impl Fn(&str) -> (ResponseHead, Vec<u8>),
) -> (Outcome, Vec<String>) {
    let mut host: TestHost = TestHost::default();
    let verdict = decide(&mut module(config), &mut host, method, target, headers);
    let first = match &verdict {
        Verdict::Exchange(edits, _) => edits
            .iter()
            .find_map(|edit| match edit {
                Edit::SetTarget(target) => Some(target.to_owned()),
                _ => None,
            })
            .unwrap_or_else(|| target.to_owned()),
        _ => target.to_owned(),
    };
    let mut seen = vec![first.clone()];
    let (head, body) = origin(&first);
    let body = if method == "HEAD" { Vec::new() } else { body };
    let outcome = exchange(
        verdict,
        &mut host,
        (head, body),
        1000,
        |forward: &Forward| {
            seen.push(forward.target.clone());
            origin(&forward.target)
        },
    );
    (outcome, seen)
}

pub fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Answer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

pub fn header(answer: &Answer, name: &str) -> String {
    let value = answer.headers.iter().find(|(known, _)| known == name);
    value
        .map(|(_, value)| String::from_utf8(value.clone()).unwrap())
        .unwrap_or_default()
}

pub fn body(answer: &Answer) -> &[u8] {
    match &answer.body {
        AnswerBody::Bytes(bytes) => bytes,
        AnswerBody::Problem(problem) => panic!("{problem:?}"),
    }
}

pub fn problem(answer: &Answer) -> (u16, String) {
    match &answer.body {
        AnswerBody::Problem(problem) => (answer.status, problem.code().to_owned()),
        AnswerBody::Bytes(_) => panic!("{} with a body", answer.status),
    }
}

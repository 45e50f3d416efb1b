//! A module with a clock that stands where it is told to.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use geo_block::GeoBlock;
use weir_module::testing::{TestHost, decide};
use weir_module::{Answer, AnswerBody, Edit, Module, NoCounters, Verdict};

pub struct Bench {
    pub module: GeoBlock,
    pub host: TestHost<NoCounters>,
}

impl Bench {
    pub fn new(config: &str) -> Self {
        Self {
            module: GeoBlock::configure(config).unwrap_or_else(|error| panic!("{error}\n{config}")),
            host: TestHost {
                now_ns: 1_796_083_200 * 1_000_000_000, // 2026-12-01T00:00:00Z
                ..TestHost::default()
            },
        }
    }

    pub fn at(mut self, seconds: u64) -> Self {
        self.host.now_ns = seconds * 1_000_000_000;
        self
    }

    pub fn ask(&mut self, target: &str, headers: &[(&str, &str)]) -> Verdict {
        decide(&mut self.module, &mut self.host, "GET", target, headers)
    }

    /// `pass`, or the code of the problem.
    pub fn outcome(&mut self, target: &str, headers: &[(&str, &str)]) -> String {
        match self.ask(target, headers) {
            Verdict::Pass(_) => "pass".to_owned(),
            Verdict::Answer(answer) => code(&answer),
            other => panic!("{other:?}"),
        }
    }

    /// What the next modules are told: set headers, and removed ones with an empty value.
    pub fn told(&mut self, headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let Verdict::Pass(edits) = self.ask("/", headers) else {
            panic!("refused")
        };
        let told = edits.iter().map(|edit| match edit {
            Edit::SetRequest(name, value) => {
                (name.to_owned(), String::from_utf8(value.to_vec()).unwrap())
            }
            Edit::RemoveRequest(name) => (name.to_owned(), String::new()),
            other => panic!("{other:?}"),
        });
        told.collect()
    }
}

pub fn code(answer: &Answer) -> String {
    match &answer.body {
        AnswerBody::Problem(problem) => problem.code().to_owned(),
        AnswerBody::Bytes(_) => panic!("a problem body"),
    }
}

pub fn answer(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Answer(answer) => answer,
        other => panic!("expected an answer, got {other:?}"),
    }
}

pub fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let found = answer.headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| std::str::from_utf8(value).unwrap())
}

pub fn body(answer: Answer) -> String {
    String::from_utf8(answer.render(None).2).unwrap()
}

pub const READ_ALL: &str = "client-address = 'weir-client-ip'\n[headers]\ncountry = 'weir-country'\nsubdivision = 'x-sub'\nasn = 'weir-asn'\n\
                            coordinates = 'x-geo'\nanonymous = 'x-anon'\n";

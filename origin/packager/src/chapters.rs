//! Chapters of a film, and the document that names them to players.

use serde::{Deserialize, Serialize};
use serde_json::json;

/// A chapter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// Presentation time in seconds at which it starts.
    pub start: f64,
    /// How long it lasts, in seconds.
    pub duration: f64,
    /// What it is called, in one language or in several.
    pub titles: Vec<ChapterTitle>,
}

/// What a chapter is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChapterTitle {
    /// Language tag (BCP 47); `None` when the source does not say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<String>,
    /// The title.
    pub title: String,
}

/// Where a chapter starts, as a container says it. Times are in microseconds of presentation time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) start: i64,
    /// Where it ends, where that is said.
    pub(crate) end: Option<i64>,
    pub(crate) titles: Vec<ChapterTitle>,
}

/// Most chapters of a film; audio books have some hundreds.
pub(crate) const MOST: usize = 10_000;
/// Microseconds by which the same chapter may start apart in two languages.
const SAME: i64 = 1_000;

/// Adds a mark; titles of one that starts at the same time join it.
pub(crate) fn add(marks: &mut Vec<Mark>, mark: Mark) {
    if marks.len() >= MOST {
        return;
    }
    let same = marks
        .iter_mut()
        .find(|other| (other.start - mark.start).abs() <= SAME);
    match same {
        Some(other) => other.titles.extend(mark.titles),
        None => marks.push(mark),
    }
}

/// The chapters of a film that ends at `end` seconds. One lasts until the next one starts, where nothing else is said.
#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of a film fit the 53 bits of a float"
)]
pub(crate) fn chapters(mut marks: Vec<Mark>, end: f64) -> Vec<Chapter> {
    marks.sort_by_key(|mark| mark.start);
    let seconds = |micros: i64| micros as f64 / 1e6;
    let next: Vec<f64> = marks
        .iter()
        .skip(1)
        .map(|mark| seconds(mark.start))
        .chain([end])
        .collect();
    marks
        .into_iter()
        .zip(next)
        .filter_map(|(mark, next)| {
            let start = seconds(mark.start.max(0));
            let stop = mark
                .end
                .map_or(next, |stop| seconds(stop).min(next))
                .min(end);
            (stop > start).then(|| Chapter {
                start,
                // Whole microseconds again after the subtraction.
                duration: ((stop - start) * 1e6).round() / 1e6,
                titles: mark.titles,
            })
        })
        .collect()
}

/// The chapters as Apple's players read them ("Providing JavaScript Object Notation (JSON) chapters").
pub(crate) fn document(chapters: &[Chapter]) -> String {
    let list: Vec<_> = chapters
        .iter()
        .zip(1..)
        .map(|(chapter, number)| {
            let titles: Vec<_> = chapter
                .titles
                .iter()
                .map(|title| {
                    let language = title.language.as_deref().unwrap_or("und");
                    json!({ "language": language, "title": title.title })
                })
                .collect();
            json!({
                "chapter": number,
                "start-time": chapter.start,
                "duration": chapter.duration,
                "titles": titles,
            })
        })
        .collect();
    serde_json::Value::from(list).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(start: i64, end: Option<i64>, title: &str, language: Option<&str>) -> Mark {
        Mark {
            start,
            end,
            titles: vec![ChapterTitle {
                language: language.map(str::to_owned),
                title: title.to_owned(),
            }],
        }
    }

    #[test]
    fn chapters_end_where_the_next_one_starts() {
        let mut marks = Vec::new();
        add(&mut marks, mark(10_000_000, None, "two", Some("en")));
        add(&mut marks, mark(0, Some(9_000_000), "one", Some("en")));
        add(&mut marks, mark(10_000_400, None, "deux", Some("fr")));
        add(&mut marks, mark(60_000_000, None, "after the end", None));
        let found = chapters(marks, 60.0);
        let times: Vec<_> = found.iter().map(|c| (c.start, c.duration)).collect();
        assert_eq!(times, [(0.0, 9.0), (10.0, 50.0)]);
        assert_eq!(found[1].titles.len(), 2);
        assert_eq!(
            document(&found[1..]),
            r#"[{"chapter":1,"duration":50.0,"start-time":10.0,"titles":[{"language":"en","title":"two"},{"language":"fr","title":"deux"}]}]"#
        );
    }
}

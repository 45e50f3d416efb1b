//! Path patterns: what a scope in a token or a route in the configuration covers.

use crate::path::NormalPath;

/// How `*` reads in a token format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Weir's own and Media CDN's: `*` and `?` stay within a segment, `**` does not; a final `/*` covers everything below.
    /// A pattern that ends in `/` covers everything below it; any other without wildcards is one path.
    Segments,
    /// CloudFront and EdgeAuth: `*` is any run of characters, `?` any one, slashes among them. Nothing else is special.
    Anything,
}

/// A compiled pattern over the decoded form of a [`NormalPath`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    shape: Shape,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Exact(Box<str>),
    Prefix(Box<str>),
    Glob(Box<[Piece]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Char(char),
    /// One character; any, or any but a slash.
    One {
        slash: bool,
    },
    /// Any number of characters; any, or any but slashes.
    Many {
        slash: bool,
    },
}

/// A pattern that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A path begins with a slash.
    #[error("a path pattern begins with `/`")]
    NotAbsolute,
    /// The bound that keeps matching cheap.
    #[error("a path pattern has at most 1024 characters and 32 wildcards")]
    TooLong,
    /// It has a percent-encoding that stands for no character, or dot segments: it could never match a normal path.
    #[error(
        "a path pattern is written without dot segments, backslashes and broken percent-encodings"
    )]
    NotNormal,
}

impl PathPattern {
    /// Compiles a pattern. Percent-encodings in it are undone, as they are in the path.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn new(text: &str, dialect: Dialect) -> Result<Self, PatternError> {
        let wild = dialect == Dialect::Anything && text.starts_with(['*', '?']);
        if !text.starts_with('/') && !wild {
            return Err(PatternError::NotAbsolute);
        }
        if text.chars().count() > 1024 || text.matches(['*', '?']).count() > 32 {
            return Err(PatternError::TooLong);
        }
        if !text.contains(['*', '?']) {
            let decoded = decode(text)?.into();
            let below = dialect == Dialect::Segments && text.ends_with('/');
            return Ok(Self {
                shape: if below {
                    Shape::Prefix(decoded)
                } else {
                    Shape::Exact(decoded)
                },
            });
        }
        let head = match dialect {
            Dialect::Segments => text
                .strip_suffix("/**")
                .or_else(|| text.strip_suffix("/*"))
                .map(|head| format!("{head}/")),
            Dialect::Anything => text
                .strip_suffix('*')
                .filter(|head| head.starts_with('/'))
                .map(str::to_owned),
        };
        if let Some(head) = head.filter(|head| !head.contains(['*', '?'])) {
            return Ok(Self {
                shape: Shape::Prefix(decode(&head)?.into()),
            });
        }
        // Between the wildcards stands ordinary path text, decoded as one piece so that `%2a` is a star and no wildcard.
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(['*', '?']).unwrap_or(rest.len());
            let (plain, after) = rest.split_at(end);
            pieces.extend(decode_part(plain)?.chars().map(Piece::Char));
            let slash = dialect == Dialect::Anything;
            rest = if let Some(after) = after.strip_prefix('?') {
                pieces.push(Piece::One { slash });
                after
            } else {
                let tail = after.trim_start_matches('*');
                let last = dialect == Dialect::Segments && tail.is_empty() && plain.ends_with('/');
                let stars = after.len() - tail.len();
                if stars > 0 {
                    pieces.push(Piece::Many {
                        slash: slash || stars > 1 || last,
                    });
                }
                tail
            };
        }
        Ok(Self {
            shape: Shape::Glob(pieces.into()),
        })
    }

    /// Exactly one path.
    pub fn exact(path: &NormalPath<'_>) -> Self {
        Self {
            shape: Shape::Exact(path.decoded().into()),
        }
    }

    /// Exactly this decoded text.
    pub fn exact_text(text: &str) -> Self {
        Self {
            shape: Shape::Exact(text.into()),
        }
    }

    /// Every text that fits, `*` being any run of characters and `?` any one, over more than a path (a whole URL, say). The text is
    /// taken as it stands.
    ///
    /// # Errors
    /// [`PatternError::TooLong`].
    pub fn over_text(text: &str) -> Result<Self, PatternError> {
        if text.chars().count() > 2048 || text.matches(['*', '?']).count() > 32 {
            return Err(PatternError::TooLong);
        }
        let piece = |c| match c {
            '*' => Piece::Many { slash: true },
            '?' => Piece::One { slash: true },
            c => Piece::Char(c),
        };
        Ok(Self {
            shape: Shape::Glob(text.chars().map(piece).collect()),
        })
    }

    /// Every path that begins with this text, at no segment border (URLPrefix of Media CDN and the like).
    pub fn starts_with(text: &str) -> Self {
        Self {
            shape: Shape::Prefix(text.into()),
        }
    }

    /// True when the pattern covers the path.
    pub fn covers(&self, path: &NormalPath<'_>) -> bool {
        self.covers_text(path.decoded())
    }

    /// True when the pattern covers a decoded path.
    pub fn covers_text(&self, path: &str) -> bool {
        match &self.shape {
            Shape::Exact(exact) => path == &**exact,
            Shape::Prefix(prefix) => path.starts_with(&**prefix),
            Shape::Glob(pieces) => glob(pieces, path),
        }
    }
}

/// A whole path in its decoded form; nothing may be resolved away, or the pattern would cover something else than it says.
fn decode(text: &str) -> Result<String, PatternError> {
    let path = NormalPath::new(text).map_err(|_| PatternError::NotNormal)?;
    let decoded = path.decoded();
    let whole = decoded.matches('/').count() == text.matches('/').count();
    if whole {
        Ok(decoded.to_owned())
    } else {
        Err(PatternError::NotNormal)
    }
}

/// A part between wildcards, which may begin and end anywhere in a path.
fn decode_part(text: &str) -> Result<String, PatternError> {
    if text.is_empty() || text.starts_with('/') {
        return if text.is_empty() {
            Ok(String::new())
        } else {
            decode(text)
        };
    }
    decode(&format!("/{text}")).map(|decoded| decoded[1..].to_owned())
}

/// Runs every reading of the pattern side by side: time is pieces times characters, whatever the wildcards.
fn glob(pieces: &[Piece], path: &str) -> bool {
    let mut here = vec![false; pieces.len() + 1];
    let mut next = here.clone();
    here[0] = true;
    skip_runs(pieces, &mut here);
    for c in path.chars() {
        next.fill(false);
        for (at, piece) in pieces.iter().enumerate() {
            if !here[at] {
                continue;
            }
            match *piece {
                Piece::Char(expected) if expected == c => next[at + 1] = true,
                Piece::One { slash } if slash || c != '/' => next[at + 1] = true,
                Piece::Many { slash } if slash || c != '/' => next[at] = true,
                _ => {}
            }
        }
        skip_runs(pieces, &mut next);
        std::mem::swap(&mut here, &mut next);
    }
    here[pieces.len()]
}

fn skip_runs(pieces: &[Piece], here: &mut [bool]) {
    for (at, piece) in pieces.iter().enumerate() {
        if here[at] && matches!(piece, Piece::Many { .. }) {
            here[at + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, dialect: Dialect, path: &str) -> bool {
        PathPattern::new(pattern, dialect)
            .unwrap()
            .covers(&NormalPath::new(path).unwrap())
    }

    #[test]
    fn segments_dialect() {
        for (pattern, path, expected) in [
            ("/vod/a.m3u8", "/vod/a.m3u8", true),
            ("/vod/a.m3u8", "/vod/a.m3u8x", false),
            ("/vod", "/vod/a", false),
            ("/vod/", "/vod/a/b", true),
            ("/vod/", "/vod", false),
            ("/vod/", "/vodka/a", false),
            ("/vod/*", "/vod/a/b.m4s", true),
            ("/vod/**", "/vod/a/b.m4s", true),
            ("/*", "/anything/at/all", true),
            ("/vod/*/x.m4s", "/vod/a/x.m4s", true),
            ("/vod/*/x.m4s", "/vod/a/b/x.m4s", false),
            ("/vod/**/x.m4s", "/vod/a/b/x.m4s", true),
            ("/vod/s?.ts", "/vod/s1.ts", true),
            ("/vod/s?.ts", "/vod/s12.ts", false),
            ("/vod?a", "/vod/a", false),
            ("/*/live/*", "/x/live/a/b", true),
            ("/v*d/a", "/vod/a", true),
            ("/vod/a%20b/", "/vod/a b/c", true),
            ("/vod/%2a", "/vod/x", false),
            ("/vod/%2a*", "/vod/*x", true),
            ("/caf%C3%A9/*", "/café/x", true),
        ] {
            assert_eq!(
                covers(pattern, Dialect::Segments, path),
                expected,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn anything_dialect() {
        for (pattern, path, expected) in [
            ("/vod/*", "/vod/a/b", true),
            ("/vod*", "/vodka", true),
            ("*", "/x/y", true),
            ("*.ts", "/x/y.ts", true),
            ("/a/*/c?", "/a/b/b/cd", true),
            ("/vod/", "/vod/a", false),
            ("/a?c", "/a/c", true),
        ] {
            assert_eq!(
                covers(pattern, Dialect::Anything, path),
                expected,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn refuses_patterns_that_never_match_or_cost_too_much() {
        for text in [
            "",
            "vod/*",
            "/a/../b",
            "/a/../*",
            "/a%",
            "/a%2f*",
            "/a\\*",
            &format!("/{}", "*a".repeat(33)),
            &format!("/{}", "a".repeat(1024)),
        ] {
            assert!(PathPattern::new(text, Dialect::Segments).is_err(), "{text}");
        }
    }

    #[test]
    fn many_wildcards_stay_cheap() {
        let pattern =
            PathPattern::new(&format!("/{}b", "*a".repeat(31)), Dialect::Anything).unwrap();
        assert!(!pattern.covers(&NormalPath::new(&format!("/{}", "a".repeat(4000))).unwrap()));
    }
}

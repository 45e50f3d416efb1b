//! A coarse device class from `user-agent`.

/// The classes, as configurations name them.
pub(crate) const CLASSES: [&str; 7] = [
    "tv", "console", "phone", "tablet", "desktop", "bot", "other",
];

/// What programs that are no viewers call themselves.
const BOTS: [&str; 7] = [
    "bot",
    "crawler",
    "spider",
    "slurp",
    "curl/",
    "wget/",
    "python-requests",
];
/// Marks of television sets and the boxes and sticks beside them.
const TELEVISIONS: [&str; 18] = [
    "smart-tv",
    "smarttv",
    "appletv",
    "apple tv",
    "tvos",
    "roku",
    "crkey",
    "aft",
    "tizen",
    "web0s",
    "webos",
    "bravia",
    "hbbtv",
    "android tv",
    "googletv",
    "viera",
    "netcast",
    "shield",
];

/// The class of a user agent: one of [`CLASSES`]. Players on televisions and consoles name themselves; phones and tablets are told
/// apart as the mobile browsers' documentation says (Android without `Mobile` is a tablet).
pub(crate) fn class(user_agent: &str) -> &'static str {
    let agent = user_agent.to_ascii_lowercase();
    let any = |marks: &[&str]| marks.iter().any(|mark| agent.contains(mark));
    if any(&["playstation", "xbox", "nintendo"]) {
        "console"
    } else if any(&TELEVISIONS) {
        "tv"
    } else if any(&BOTS) {
        "bot"
    } else if any(&["ipad", "tablet"]) || (any(&["android"]) && !any(&["mobile"])) {
        "tablet"
    } else if any(&["iphone", "ipod", "mobile"]) {
        "phone"
    } else if any(&["windows", "macintosh", "mac os x", "x11", "linux", "cros"]) {
        "desktop"
    } else {
        "other"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for (agent, expected) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148",
                "phone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-X710) Chrome/130 Safari/537.36",
                "tablet",
            ),
            ("Mozilla/5.0 (Web0S; Linux/SmartTV) Chrome/94", "tv"),
            ("Mozilla/5.0 (PlayStation; PlayStation 5/6.50)", "console"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/132",
                "desktop",
            ),
            ("Mozilla/5.0 (compatible; Googlebot/2.1)", "bot"),
            ("AppleCoreMedia/1.0.0", "other"),
            ("", "other"),
        ] {
            assert_eq!(class(agent), expected, "{agent}");
            assert!(CLASSES.contains(&class(agent)));
        }
    }
}

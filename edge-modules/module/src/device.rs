//! A coarse device class from `user-agent`: one meaning for every module that chooses by device.

/// The classes, as configurations name them.
pub const CLASSES: [&str; 7] = [
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
    "dlna",
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
pub fn class(user_agent: &str) -> &'static str {
    let agent = user_agent.to_ascii_lowercase();
    let any = |marks: &[&str]| marks.iter().any(|mark| agent.contains(mark));
    // Fire TVs call themselves by models such as AFTMM; elsewhere the letters mean nothing ("aircraft").
    let fire_tv = agent.match_indices("aft").any(|(at, _)| {
        let before = agent.as_bytes()[..at].last();
        before.is_none_or(|byte| !byte.is_ascii_alphanumeric())
    });
    if any(&["playstation", "xbox", "nintendo"]) {
        "console"
    } else if fire_tv || any(&TELEVISIONS) {
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
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/130 Mobile Safari/537.36",
                "phone",
            ),
            ("Mozilla/5.0 (Web0S; Linux/SmartTV) Chrome/94", "tv"),
            ("Roku/DVP-12.5", "tv"),
            (
                "AppleCoreMedia/1.0.0.21K79 (Apple TV; U; CPU OS 17_0 like Mac OS X)",
                "tv",
            ),
            (
                "Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7633) Silk/108",
                "tv",
            ),
            ("AFTKA", "tv"),
            ("Mozilla/5.0 (Windows NT 10.0) Minecraft/1.21", "desktop"),
            (
                "Mozilla/5.0 (PlayStation 5/SmartTV) AppleWebKit/605.1.15",
                "console",
            ),
            ("curl/8.0", "bot"),
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

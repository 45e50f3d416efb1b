//! A coarse device class from `user-agent`. Players on televisions and consoles name themselves; phones and tablets are told
//! apart as the mobile browsers' own documentation says.

/// `tv`, `console`, `phone`, `tablet`, `desktop` or `other`.
pub fn class(user_agent: &str) -> &'static str {
    let agent = user_agent.to_ascii_lowercase();
    let any = |marks: &[&str]| marks.iter().any(|mark| agent.contains(mark));
    if any(&["playstation", "xbox", "nintendo"]) {
        "console"
    } else if any(&[
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
        "dlna",
        "shield",
    ]) {
        "tv"
    } else if any(&["ipad", "tablet"]) || (agent.contains("android") && !agent.contains("mobile")) {
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
    use super::class;

    #[test]
    fn classes() {
        for (agent, expected) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148",
                "phone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/130 Mobile Safari/537.36",
                "phone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-X710) Chrome/130 Safari/537.36",
                "tablet",
            ),
            (
                "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36",
                "tv",
            ),
            (
                "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36",
                "tv",
            ),
            ("Roku/DVP-12.5", "tv"),
            (
                "AppleCoreMedia/1.0.0.21K79 (Apple TV; U; CPU OS 17_0 like Mac OS X)",
                "tv",
            ),
            (
                "Mozilla/5.0 (PlayStation 5/SmartTV) AppleWebKit/605.1.15",
                "console",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130",
                "desktop",
            ),
            ("curl/8.0", "other"),
            ("", "other"),
        ] {
            assert_eq!(class(agent), expected, "{agent}");
        }
    }
}

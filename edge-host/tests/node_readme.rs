//! The README's configuration is what the code reads: every key, with the defaults that it states.

use weir_edge::config::Config;

fn sample() -> String {
    block(1)
}

/// A TOML block of the README, counted from 1.
fn block(number: usize) -> String {
    let readme = include_str!("../README.md");
    let block = readme
        .split("```toml")
        .nth(number)
        .and_then(|rest| rest.split("```").next());
    block
        .expect("the README shows the configuration")
        .to_owned()
}

#[test]
fn every_documented_key_is_read() {
    let config = Config::from_text(&sample()).expect("the README's configuration is right");
    assert_eq!(config.routes[0].name, "media");
    assert!(config.tls.is_some() && config.admin.is_some());
}

#[test]
fn every_documented_key_of_shared_state_is_read() {
    let route = "[origins.main]\nurls = [\"http://127.0.0.1:9\"]\n[[routes]]\nname = \"all\"\norigin = \"main\"\n";
    let text = block(2);
    let config = Config::from_text(&format!("{text}{route}")).expect("the README's state is right");
    assert!(config.state.serve.is_some());
    let documented = config.state.redis.expect("the README names a server");
    // What the README calls a default is one: the address and the period are examples.
    let bare = format!(
        "[state]\nkind = \"redis\"\n[state.redis]\nurls = [\"redis://127.0.0.1:6379\"]\nsettle = \"100ms\"\n{route}"
    );
    let bare = Config::from_text(&bare).expect("a small configuration is right");
    assert_eq!(
        format!("{documented:?}"),
        format!("{:?}", bare.state.redis.expect("it names a server"))
    );
}

#[test]
fn the_stated_defaults_are_the_real_ones() {
    // Lines that say `example` are not defaults; neither are tables that do.
    let documented = Config::from_text(&sample()).expect("the README's configuration is right");
    let bare = Config::from_text(
        "[origins.main]\nurls = [\"http://127.0.0.1:9000\"]\n[modules.token-check]\npath = \"p\"\ndoor = \"d\"\n\
         [[routes]]\nname = \"media\"\norigin = \"main\"\n",
    )
    .expect("a small configuration is right");
    for (what, a, b) in [
        (
            "listen",
            format!("{:?}", documented.listen),
            format!("{:?}", bare.listen),
        ),
        (
            "name",
            format!("{:?}", documented.name),
            format!("{:?}", bare.name),
        ),
        (
            "log",
            format!("{:?}", documented.log),
            format!("{:?}", bare.log),
        ),
        (
            "limits",
            format!("{:?}", documented.limits),
            format!("{:?}", bare.limits),
        ),
        (
            "client",
            format!("{:?}", documented.client),
            format!("{:?}", bare.client),
        ),
        (
            "state",
            format!("{:?}", documented.state),
            format!("{:?}", bare.state),
        ),
        (
            "cache",
            format!("{:?}", documented.cache),
            format!("{:?}", bare.cache),
        ),
        (
            "instances",
            documented.wasm.instances.to_string(),
            bare.wasm.instances.to_string(),
        ),
    ] {
        assert_eq!(a, b, "{what}");
    }
    let (a, b) = (
        &documented.modules["token-check"],
        &bare.modules["token-check"],
    );
    assert_eq!(
        (a.memory, a.cpu, a.timeout, a.reuse),
        (b.memory, b.cpu, b.timeout, b.reuse)
    );
    let (a, b) = (&documented.origins["main"], &bare.origins["main"]);
    assert_eq!(
        (a.connect_timeout, a.head_timeout, a.idle_timeout),
        (b.connect_timeout, b.head_timeout, b.idle_timeout)
    );
    assert_eq!(
        (&a.host, a.retries, a.idle_connections),
        (&b.host, b.retries, b.idle_connections)
    );
    let (mut a, b) = (documented.routes[0].cache.clone(), &bare.routes[0].cache);
    a.default_ttl = None;
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

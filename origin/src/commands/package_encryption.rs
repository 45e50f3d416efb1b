//! What the command line of `weir-origin package` says about encryption.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use weir_origin::protection::cpix::system_id;
use weir_origin::protection::{DeliveryKey, Scheme, SystemData, parse_key, read_key_file};
use weir_packager::{ContentKey, Encryption, KeyId, KeySystem, Method};

use crate::cli::{KeyArgument, PackageEncryption};

/// Reads the options; `None` when nothing is to be encrypted.
pub(super) fn read(options: &PackageEncryption) -> anyhow::Result<Option<Encryption>> {
    let Some(name) = &options.encrypt else {
        return Ok(None);
    };
    let method = read_method(name)?;
    let (mut keys, mut said) = (Vec::new(), SystemData::default());
    let delivery = match &options.delivery_key {
        Some(file) => DeliveryKey::read(file, Path::new("")).context("--delivery-key")?,
        None => None,
    };
    for KeyArgument(text) in &options.keys {
        match text.strip_prefix('@') {
            Some(path) => {
                let file = read_key_file(Path::new(path), scheme_of(method), delivery.as_ref())
                    .context("--key")?;
                keys.extend(file.keys);
                said = file.signalled;
            }
            None => keys.push(
                parse_key(text)
                    .map_err(anyhow::Error::msg)
                    .context("--key")?,
            ),
        }
    }
    let mut systems = Vec::new();
    if let Some(uri) = &options.key_uri {
        systems.push(KeySystem::Identity { uri: uri.clone() });
    }
    for text in &options.systems {
        let system = read_system(text, &said)?;
        if text.contains('=') {
            // What the command line says counts for more than what a document does.
            forget_signalled(&mut keys, &system);
        }
        systems.push(system);
    }
    if systems.is_empty() {
        bail!("--encrypt {name}: players must learn where the key is; give --key-uri or --drm");
    }
    Ok(Some(Encryption {
        method,
        keys,
        clear_lead: seconds(options.clear_lead, "--clear-lead")?,
        crypto_period: seconds(options.key_rotation, "--key-rotation")?,
        systems,
    }))
}

fn read_method(name: &str) -> anyhow::Result<Method> {
    match name {
        "cbcs" => Ok(Method::Cbcs),
        "cenc" => Ok(Method::Cenc),
        "aes-128" => Ok(Method::Aes128),
        _ => bail!("--encrypt {name}: there is no such method; use cbcs, cenc or aes-128"),
    }
}

fn scheme_of(method: Method) -> Scheme {
    match method {
        Method::Cenc => Scheme::Cenc,
        Method::Aes128 => Scheme::Aes128,
        _ => Scheme::Cbcs,
    }
}

/// Takes from keys what a document wants said of them to a key system.
fn forget_signalled(keys: &mut [ContentKey], system: &KeySystem) {
    let (format, id) = match system {
        KeySystem::FairPlay { .. } => ("com.apple.streamingkeydelivery", system_id::FAIRPLAY),
        KeySystem::Widevine { .. } => (
            "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
            system_id::WIDEVINE,
        ),
        KeySystem::PlayReady { .. } => ("com.microsoft.playready", system_id::PLAYREADY),
        _ => return,
    };
    let id = id.parse::<KeyId>().map(|id| id.0);
    for key in keys {
        key.tags
            .retain(|tag| tag.attribute("KEYFORMAT") != Some(format));
        key.pssh.retain(|header| id != Ok(header.system_id()));
        key.descriptors.retain(|one| id != Ok(one.system_id()));
    }
}

/// Reads a key system; what the command line leaves out, a CPIX document may have said.
fn read_system(text: &str, said: &SystemData) -> anyhow::Result<KeySystem> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let said_value = match name {
        "fairplay" => said.fairplay_uri.as_deref(),
        "widevine" => said.widevine_provider.as_deref(),
        "playready" => said.playready_license_url.as_deref(),
        _ => None,
    };
    let value = match value {
        "" => said_value.unwrap_or_default().to_owned(),
        value => value.to_owned(),
    };
    Ok(match name {
        "fairplay" if value.is_empty() => {
            bail!("--drm fairplay: give the address too, as in fairplay=skd://{{kid}}")
        }
        "fairplay" => KeySystem::FairPlay { uri: value },
        "widevine" => KeySystem::Widevine {
            provider: value,
            content_id: said.widevine_content_id.clone().unwrap_or_default(),
        },
        "playready" => KeySystem::PlayReady { license_uri: value },
        "clearkey" => KeySystem::ClearKey { license_uri: value },
        _ => bail!(
            "--drm {name}: there is no such key system; use fairplay, widevine, playready or clearkey"
        ),
    })
}

fn seconds(value: Option<f64>, option: &str) -> anyhow::Result<Duration> {
    Duration::try_from_secs_f64(value.unwrap_or(0.0))
        .with_context(|| format!("{option} {}", value.unwrap_or(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_packager::KeyTracks;

    const ID: &str = "9eb4050de44b4802932e27d75083e266";
    const KEY: &str = "166634c675823c235a4a9446fad52e4d";

    fn options(key: &str) -> PackageEncryption {
        PackageEncryption {
            encrypt: Some("cbcs".to_owned()),
            keys: vec![KeyArgument(key.to_owned())],
            delivery_key: None,
            key_uri: Some("https://keys.example/{kid}".to_owned()),
            systems: vec!["fairplay=skd://{kid}".to_owned(), "widevine".to_owned()],
            clear_lead: Some(6.0),
            key_rotation: None,
        }
    }

    #[test]
    fn keys_and_systems_are_read() {
        let read_in = read(&options(&format!("video={ID}:{KEY}:{ID}")))
            .unwrap()
            .unwrap();
        assert_eq!(read_in.keys[0].tracks, KeyTracks::Video);
        assert_eq!(read_in.keys[0].iv, Some(read_in.keys[0].id));
        assert_eq!(read_in.systems.len(), 3);
        assert_eq!(read_in.clear_lead, Duration::from_secs(6));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            format!("# film\n{ID}:{KEY}\n\naudio={ID}:{KEY}\n"),
        )
        .unwrap();
        let from_file = read(&options(&format!("@{}", file.path().display()))).unwrap();
        assert_eq!(from_file.unwrap().keys.len(), 2);
    }

    #[test]
    fn a_document_speaks_where_the_command_line_does_not() {
        let header = "AAAAInBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAAAIBAg==";
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = format!(
            "<CPIX><ContentKeyList><ContentKey kid=\"{ID}\"><Data><Secret><PlainValue>FmY0xnWCPCNaSpRG+tUuTQ==</PlainValue></Secret></Data></ContentKey></ContentKeyList>\
             <DRMSystemList><DRMSystem kid=\"{ID}\" systemId=\"{}\"><PSSH>{header}</PSSH></DRMSystem></DRMSystemList></CPIX>",
            system_id::WIDEVINE
        );
        std::fs::write(file.path(), text).unwrap();
        let mut said = options(&format!("@{}", file.path().display()));
        assert_eq!(read(&said).unwrap().unwrap().keys[0].pssh.len(), 1);
        said.systems[1] = "widevine=other".to_owned();
        assert!(read(&said).unwrap().unwrap().keys[0].pssh.is_empty());
    }

    #[test]
    fn mistakes_are_named_but_keys_are_not() {
        for text in [
            ID.to_owned(),
            format!("{ID}:{KEY}0"),
            format!("x={ID}:{KEY}"),
        ] {
            let error = format!("{:#}", read(&options(&text)).unwrap_err());
            assert!(!error.contains(KEY), "{error}");
        }
        assert!(!format!("{:?}", options(&format!("{ID}:{KEY}"))).contains(KEY));
        let mut none = options(&format!("{ID}:{KEY}"));
        (none.key_uri, none.systems) = (None, Vec::new());
        assert!(read(&none).unwrap_err().to_string().contains("--key-uri"));
        none.encrypt = Some("rot13".to_owned());
        none.systems = vec!["clearkey".to_owned()];
        assert!(read(&none).unwrap_err().to_string().contains("rot13"));
        none.encrypt = None;
        assert!(read(&none).unwrap().is_none());
    }
}

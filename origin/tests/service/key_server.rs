//! A key server of SPEKE v2 for the tests: real HTTPS, and it answers as it is told.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::cipher::{AES_256, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PrivateDecryptingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The key of every id that is asked for, as hexadecimal digits.
pub(crate) const KEY: &str = "0123456789abcdeffedcba9876543210";

/// A running key server; its tasks end with the test.
pub(crate) struct KeyServer {
    pub(crate) url: String,
    /// What it was asked: headers and document.
    pub(crate) asked: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

/// How it answers.
#[derive(Clone, Default)]
pub(crate) struct Manner {
    /// So many requests get 503 at first.
    pub(crate) unwell: u32,
    /// All get this status and text.
    pub(crate) refusal: Option<(u16, &'static str)>,
    /// Keys are encrypted to this one (a private key, PKCS#8 in DER), whose certificate the request must bring.
    pub(crate) recipient: Option<Vec<u8>>,
}

impl KeyServer {
    /// Starts a server with a certificate of its own, which is written to `certificate`.
    pub(crate) async fn start(certificate: &Path, manner: Manner) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .expect("a certificate");
        std::fs::write(certificate, made.cert.pem()).expect("written");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let provider = tokio_rustls::rustls::crypto::ring::default_provider();
        let config = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .expect("TLS")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("the key fits");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let count = Arc::new(AtomicU32::new(0));
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                let (acceptor, manner) = (acceptor.clone(), manner.clone());
                let (seen, count) = (Arc::clone(&seen), Arc::clone(&count));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service = service_fn(move |request| {
                        answer(
                            request,
                            manner.clone(),
                            Arc::clone(&seen),
                            Arc::clone(&count),
                        )
                    });
                    let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            url: format!("https://localhost:{port}/speke"),
            asked,
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    manner: Manner,
    seen: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    count: Arc<AtomicU32>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let document = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
    seen.lock()
        .expect("not poisoned")
        .push((head.headers, document.clone()));
    let (status, text) = if count.fetch_add(1, Ordering::SeqCst) < manner.unwell {
        (503, "one moment".to_owned())
    } else if let Some((status, text)) = manner.refusal {
        (status, text.to_owned())
    } else {
        (200, filled(&document, manner.recipient.as_deref()))
    };
    Ok(Response::builder()
        .status(StatusCode::from_u16(status).expect("a status"))
        .header("content-type", "application/xml")
        .body(Full::from(text))
        .expect("an answer"))
}

/// The document with keys in it, and an address for FairPlay.
fn filled(document: &str, recipient: Option<&[u8]>) -> String {
    let key = hex::decode(KEY).expect("digits");
    let (delivery, value) = match recipient {
        None => (
            String::new(),
            format!(
                "<pskc:PlainValue>{}</pskc:PlainValue>",
                STANDARD.encode(key)
            ),
        ),
        Some(recipient) => encrypted(&key, recipient),
    };
    let secret =
        format!("><cpix:Data><pskc:Secret>{value}</pskc:Secret></cpix:Data></cpix:ContentKey>");
    let mut text = String::new();
    for line in document.lines() {
        if line.starts_with("<cpix:ContentKey ") {
            text.push_str(&line.replace("/>", &secret));
        } else if line.contains("<ds:X509Certificate>") {
            text.push_str(&line.replace(
                "</cpix:DeliveryKey>",
                &format!("</cpix:DeliveryKey>{delivery}"),
            ));
        } else if line.contains("94ce86fb-07ff-4f43-adb8-93d2fa968ca2") {
            let kid = line.split('"').nth(1).expect("a kid").replace('-', "");
            let tag = format!(
                "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://keys.example/{kid}\",KEYFORMAT=\"com.apple.streamingkeydelivery\""
            );
            text.push_str(&line.replacen(
                "<cpix:HLSSignalingData playlist=\"media\"/>",
                &format!(
                    "<cpix:HLSSignalingData playlist=\"media\">{}</cpix:HLSSignalingData>",
                    STANDARD.encode(tag)
                ),
                1,
            ));
        } else if line.contains(WIDEVINE) {
            let kid = line.split('"').nth(1).expect("a kid").replace('-', "");
            text.push_str(&widevine(line, &kid));
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}

/// Widevine's system id.
const WIDEVINE: &str = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";

/// What stands in the manifest's descriptor for a key: a box as SPEKE v2's servers send it, and an element that nobody would make up.
pub(crate) fn descriptor(kid: &str) -> String {
    format!(
        "<pssh xmlns=\"urn:mpeg:cenc:2013\">{}</pssh><la:Laurl xmlns:la=\"https://dashif.org/CPS\">https://l.example/{kid}</la:Laurl>",
        STANDARD.encode(pssh(kid))
    )
}

/// A version 0 box that names the key.
fn pssh(kid: &str) -> Vec<u8> {
    let id = hex::decode(WIDEVINE.replace('-', "")).expect("digits");
    let data = [&[0x12, 16][..], &hex::decode(kid).expect("digits")].concat();
    let mut found = (u32::try_from(32 + data.len()).expect("short"))
        .to_be_bytes()
        .to_vec();
    found.extend(b"pssh\0\0\0\0");
    found.extend(id);
    found.extend(u32::try_from(data.len()).expect("short").to_be_bytes());
    found.extend(data);
    found
}

/// Everything that a document has room for, in the order and the encodings of SPEKE v2's own example.
fn widevine(line: &str, kid: &str) -> String {
    let url = format!("data:text/plain;base64,{}", STANDARD.encode(pssh(kid)));
    let list = format!(
        "METHOD=SAMPLE-AES,URI=\"{url}\",KEYID=0x{},KEYFORMAT=\"urn:uuid:{WIDEVINE}\",KEYFORMATVERSIONS=\"1\"",
        kid.to_uppercase()
    );
    let filled = |line: &str, empty: &str, name: &str, text: &[u8]| {
        let whole = format!(
            "{}>{}</cpix:{name}>",
            &empty[..empty.len() - 2],
            STANDARD.encode(text)
        );
        assert!(line.contains(empty), "{line}: {empty}");
        line.replace(empty, &whole)
    };
    let hls = |kind: &str| format!("<cpix:HLSSignalingData playlist=\"{kind}\"/>");
    let line = line.replace(
        "<cpix:PSSH/>",
        &format!("<cpix:PSSH>{}</cpix:PSSH>", STANDARD.encode(pssh(kid))),
    );
    let said = descriptor(kid);
    let line = filled(
        &line,
        "<cpix:ContentProtectionData/>",
        "ContentProtectionData",
        said.as_bytes(),
    );
    let line = filled(
        &line,
        &hls("media"),
        "HLSSignalingData",
        format!("#EXT-X-KEY:{list}").as_bytes(),
    );
    filled(
        &line,
        &hls("master"),
        "HLSSignalingData",
        format!("#EXT-X-SESSION-KEY:{list}").as_bytes(),
    )
}

/// A document key and a key for codes encrypted to a recipient (CPIX 2.3, 6.1.4), and a content key encrypted with them.
fn encrypted(content_key: &[u8], recipient: &[u8]) -> (String, String) {
    const DOCUMENT_KEY: [u8; 32] = [0xd0; 32];
    const MAC_KEY: [u8; 64] = [0x3a; 64];
    let public = PrivateDecryptingKey::from_pkcs8(recipient)
        .expect("a key")
        .public_key();
    let public = OaepPublicEncryptingKey::new(public).expect("a key");
    let wrapped = |secret: &[u8]| {
        let mut space = vec![0; public.ciphertext_size()];
        let sealed = public
            .encrypt(&OAEP_SHA1_MGF1SHA1, secret, &mut space, None)
            .expect("encrypted");
        data("rsa-oaep-mgf1p", sealed)
    };
    let delivery = format!(
        "<cpix:DocumentKey Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes256-cbc\"><cpix:Data><pskc:Secret><pskc:EncryptedValue>{}\
         </pskc:EncryptedValue></pskc:Secret></cpix:Data></cpix:DocumentKey>\
         <cpix:MACMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha512\"><cpix:Key>{}</cpix:Key></cpix:MACMethod>",
        wrapped(&DOCUMENT_KEY),
        wrapped(&MAC_KEY)
    );
    let cipher = UnboundCipherKey::new(&AES_256, &DOCUMENT_KEY).expect("a key");
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).expect("a cipher");
    let mut blocks = content_key.to_vec();
    let context = cipher.encrypt(&mut blocks).expect("encrypted");
    let iv: &[u8] = (&context).try_into().expect("a vector");
    let sealed = [iv, &blocks].concat();
    let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, &MAC_KEY), &sealed);
    let value = format!(
        "<pskc:EncryptedValue>{}</pskc:EncryptedValue><pskc:ValueMAC>{}</pskc:ValueMAC>",
        data("aes256-cbc", &sealed),
        STANDARD.encode(code)
    );
    (delivery, value)
}

/// Encrypted data as XML has them.
fn data(algorithm: &str, sealed: &[u8]) -> String {
    format!(
        "<enc:EncryptionMethod xmlns:enc=\"http://www.w3.org/2001/04/xmlenc#\" Algorithm=\"http://www.w3.org/2001/04/xmlenc#{algorithm}\"/>\
         <enc:CipherData xmlns:enc=\"http://www.w3.org/2001/04/xmlenc#\"><enc:CipherValue>{}</enc:CipherValue></enc:CipherData>",
        STANDARD.encode(sealed)
    )
}

//! `weir-origin token`.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, bail};
use token_check::SigningKey;
use token_check::mint::{JwtClaims, Minter};
use weir_origin::config::Config;
use weir_origin::playback::{SigningKeys, new_key, store_key};

use super::location::open_storage;
use crate::cli::{Token, TokenSign, TokenVerify};

/// Largest token read from standard input in bytes.
const MAX_TOKEN: u64 = 64 << 10;

/// Runs a token command.
pub(super) async fn run(config: &Config, command: Token) -> anyhow::Result<ExitCode> {
    match command {
        Token::Sign(options) => sign(config, options).await,
        Token::Verify(options) => verify(config, options).await,
        Token::Inspect { token } => inspect(&read(token)?),
        Token::Keygen { store } => keygen(config, store).await,
    }
}

async fn sign(config: &Config, options: TokenSign) -> anyhow::Result<ExitCode> {
    let minter = match &options.key {
        Some(path) => {
            let pem = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let minter = Minter::new(
                SigningKey::from_pem(&pem)
                    .with_context(|| format!("cannot use {}", path.display()))?,
            );
            match &options.key_id {
                Some(id) => minter.with_id(id),
                None => minter,
            }
        }
        None => SigningKeys::load_or_create(open_storage(config).await?.as_ref())
            .await?
            .current(),
    };
    let now = jiff::Timestamp::now().as_second();
    let lifetime = options.lifetime.unwrap_or(config.playback.lifetime_seconds);
    let claims = JwtClaims {
        issuer: Some(config.playback.issuer.clone()),
        audiences: Some(config.playback.audience.clone())
            .filter(|audience| !audience.is_empty())
            .into_iter()
            .collect(),
        subject: options.subject,
        tier: options.tier,
        entitlements: options.entitlements,
        paths: options.paths,
        issued_at: Some(now),
        expires: Some(
            now.saturating_add(i64::try_from(lifetime).context("--lifetime is too large")?),
        ),
        ..JwtClaims::default()
    };
    println!("{}", minter.jwt(&claims)?);
    Ok(ExitCode::SUCCESS)
}

/// Checks with the very module that the edge runs, so that the answer is the edge's answer.
async fn verify(config: &Config, options: TokenVerify) -> anyhow::Result<ExitCode> {
    let jwks = match &options.jwks {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?,
        None => SigningKeys::load_or_create(open_storage(config).await?.as_ref())
            .await?
            .jwks()
            .to_string(),
    };
    let token = read(options.token)?;
    let verdict = super::token_verdict::check(&jwks, &token, options.path.as_deref())?;
    match verdict {
        Ok(claims) => {
            println!("{}", serde_json::to_string_pretty(&claims)?);
            Ok(ExitCode::SUCCESS)
        }
        Err(reason) => {
            eprintln!("not valid: {reason}");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn inspect(token: &str) -> anyhow::Result<ExitCode> {
    match token_check::inspect(token) {
        Ok(inspection) => {
            println!(
                "format: {}\n{}",
                inspection.format,
                serde_json::to_string_pretty(&inspection.content)?
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => bail!("this is no token that can be read: {error}"),
    }
}

async fn keygen(config: &Config, store: bool) -> anyhow::Result<ExitCode> {
    let (id, key) = new_key();
    if store {
        store_key(open_storage(config).await?.as_ref(), &id, &key).await?;
        println!("{id}");
    } else {
        eprintln!("key id: {id}");
        print!("{}", key.to_pem().context("an Ed25519 key has a PEM form")?);
    }
    Ok(ExitCode::SUCCESS)
}

fn read(token: String) -> anyhow::Result<String> {
    if token != "-" {
        return Ok(token);
    }
    let mut text = String::new();
    std::io::stdin()
        .take(MAX_TOKEN)
        .read_to_string(&mut text)
        .context("cannot read standard input")?;
    Ok(text.trim().to_owned())
}

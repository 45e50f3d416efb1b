//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

/// Takes video in, packages HLS, publishes it to object storage and serves it.
#[derive(Debug, Parser)]
#[command(name = "weir-origin", version, about, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Configuration file (TOML). Settings also come from the environment: WEIR_ORIGIN__STORAGE__KIND is `storage.kind`.
    #[arg(
        long,
        short,
        global = true,
        env = "WEIR_ORIGIN_CONFIG",
        value_name = "FILE"
    )]
    pub(crate) config: Option<PathBuf>,
    /// Sets one key over file and environment, as in `--set storage.kind=s3`.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service.
    Serve(Serve),
    /// Package a film as HLS into a folder or a bucket.
    Package(Package),
    /// Say what a film holds: tracks, codecs, timing.
    Probe(Probe),
    /// Check playlists and segments against RFC 8216bis and Apple's HLS Authoring Specification.
    ///
    /// Exits with 0 when no MUST is broken, with 1 when one is, with 2 when something could not be read.
    Lint(Lint),
    /// Sign, verify and look into playback tokens.
    #[command(subcommand)]
    Token(Token),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Folder to keep everything in (sets `storage.kind=file`).
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<String>,
    /// Lets anybody list and play published assets from the page at `/`.
    #[arg(long)]
    pub(crate) demo: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Package {
    /// The film: a file, or `s3://bucket/key` (endpoint and credentials from `storage.s3`). Several are parts of one film: pictures of
    /// other sizes, sound in other languages.
    #[arg(value_name = "INPUT", required = true)]
    pub(crate) inputs: Vec<String>,
    /// A folder, or `s3://bucket/prefix`.
    pub(crate) output: String,
    /// Subtitles beside the film, in SRT, WebVTT or TTML. After the language may stand `default`, `forced`, `sdh` (for viewers who do not
    /// hear) and a name for viewers, as in `de,forced,Deutsch=film.srt`. May be said more than once.
    #[arg(long, value_name = "LANGUAGE=FILE")]
    pub(crate) subtitles: Vec<String>,
    /// When the film begins on the wall clock (RFC 3339), for EXT-X-PROGRAM-DATE-TIME.
    #[arg(long, value_name = "TIME")]
    pub(crate) program_date_time: Option<Timestamp>,
    /// Transcode first: `standard`, `web`, `hevc-4k`, `av1`, or one of `transcode.profile-folder`.
    #[arg(long, value_name = "NAME", default_value = "copy")]
    pub(crate) profile: String,
    /// Wanted seconds of a segment.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) segment_seconds: Option<f64>,
    /// One file for each track, with byte ranges, instead of one for each segment (folders only).
    #[arg(long)]
    pub(crate) single_file: bool,
    /// What segments are made of: `cmaf`, or `mpeg-ts` for players that know nothing else (H.264, AAC, AC-3, E-AC-3, MP3); as the profile
    /// says when absent.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// Write an MPEG-DASH manifest too.
    #[arg(long)]
    pub(crate) dash: bool,
    #[command(flatten)]
    pub(crate) encryption: PackageEncryption,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress bar.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// A key, or the name of a file of keys. Its `Debug` form shows neither.
#[derive(Clone)]
pub(crate) struct KeyArgument(pub(crate) String);

impl std::fmt::Debug for KeyArgument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyArgument(…)")
    }
}

impl From<String> for KeyArgument {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Encryption")]
pub(crate) struct PackageEncryption {
    /// Encrypt: `cbcs` (all devices of today), `cenc` (older ones), or whole segments with `aes-128` (HLS only).
    #[arg(long, value_name = "METHOD", requires = "keys")]
    pub(crate) encrypt: Option<String>,
    /// A key as KID:KEY or KID:KEY:IV in hexadecimal, after `video=` or `audio=` when it is for those tracks only; or @FILE with one
    /// on each line or a CPIX document, which keeps keys out of the list of processes. Several take turns with `--key-rotation`.
    #[arg(long = "key", value_name = "KID:KEY", requires = "encrypt")]
    pub(crate) keys: Vec<KeyArgument>,
    /// The RSA private key (PKCS#8 in PEM) that opens encrypted keys of a CPIX document.
    #[arg(long, value_name = "FILE", requires = "keys")]
    pub(crate) delivery_key: Option<std::path::PathBuf>,
    /// Where players fetch the key, {kid} standing for its id.
    #[arg(long, value_name = "URI", requires = "encrypt")]
    pub(crate) key_uri: Option<String>,
    /// A key system: `fairplay=URI`, `widevine` or `widevine=PROVIDER`, `playready` or `playready=URI`, `clearkey` or `clearkey=URI`.
    #[arg(long = "drm", value_name = "SYSTEM", requires = "encrypt")]
    pub(crate) systems: Vec<String>,
    /// Seconds at the start that stay in the clear.
    #[arg(long, value_name = "SECONDS", requires = "encrypt")]
    pub(crate) clear_lead: Option<f64>,
    /// Seconds after which the next key takes its turn.
    #[arg(long, value_name = "SECONDS", requires = "encrypt")]
    pub(crate) key_rotation: Option<f64>,
}

#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// The film: a file, or `s3://bucket/key`.
    pub(crate) input: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// The playlist: a file, a folder that holds one, or an http or https URL.
    #[arg(required_unless_present_any = ["explain", "all_rules"])]
    pub(crate) target: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Say what a rule asks, why, and how to mend it: `rfc-4.4.3.1-required`, `apple-7.7`.
    #[arg(long, value_name = "RULE")]
    pub(crate) explain: Option<String>,
    /// List all rules.
    #[arg(long)]
    pub(crate) all_rules: bool,
    /// Read playlists only.
    #[arg(long)]
    pub(crate) no_media: bool,
    /// Report only what these can mend.
    #[arg(long, value_enum)]
    pub(crate) concern: Option<LintConcern>,
}

/// Who can mend what a rule finds.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LintConcern {
    /// Whoever writes playlists and cuts segments.
    Packaging,
    /// Whoever chooses codecs, bit rates and renditions.
    Content,
    /// Whoever runs the server.
    Delivery,
}

impl From<LintConcern> for weir_packager::lint::Concern {
    fn from(concern: LintConcern) -> Self {
        match concern {
            LintConcern::Packaging => Self::Packaging,
            LintConcern::Content => Self::Content,
            LintConcern::Delivery => Self::Delivery,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Sign a token for a path prefix.
    Sign(TokenSign),
    /// Check a token's signature and times; exits with 1 when it is not valid.
    Verify(TokenVerify),
    /// Show what a token says, without checking it.
    Inspect {
        /// The token; `-` reads it from standard input.
        token: String,
    },
    /// Make a signing key: printed as PEM, or added to the store, where it signs from then on.
    Keygen {
        /// Add it to the configured store instead of printing it.
        #[arg(long)]
        store: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TokenSign {
    /// Paths that the token opens: `/vod/film/` is everything below it.
    #[arg(long = "path", required = true, value_name = "PATTERN")]
    pub(crate) paths: Vec<String>,
    /// Private key (PKCS #8 PEM); the store's newest key when absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The key's id in the token, with `--key`.
    #[arg(long, requires = "key", value_name = "ID")]
    pub(crate) key_id: Option<String>,
    /// The viewer.
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// The viewer's tier.
    #[arg(long)]
    pub(crate) tier: Option<String>,
    /// What the viewer has paid for, `name` or `name=value`.
    #[arg(long = "entitlement", value_name = "NAME")]
    pub(crate) entitlements: Vec<String>,
    /// Seconds until it expires; the configured lifetime when absent.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) lifetime: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct TokenVerify {
    /// The token; `-` reads it from standard input.
    pub(crate) token: String,
    /// JWKS document with the public keys; the store's keys when absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) jwks: Option<PathBuf>,
    /// Also ask whether it opens this path.
    #[arg(long)]
    pub(crate) path: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the settings in force, secrets redacted.
    Print {
        /// As what.
        #[arg(long, value_enum, default_value_t = PrintFormat::Toml)]
        format: PrintFormat,
    },
    /// Check the configuration and say nothing more.
    Check,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PrintFormat {
    Toml,
    Json,
}

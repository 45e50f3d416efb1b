//! The client of a bucket.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use tokio::sync::Mutex;

use super::{S3Settings, S3Storage};

impl S3Storage {
    /// Prepares the client; no request is sent yet.
    pub async fn connect(settings: S3Settings) -> Self {
        let http_client = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client);
        if !settings.region.is_empty() {
            loader = loader.region(Region::new(settings.region.clone()));
        }
        if !settings.access_key_id.is_empty() {
            let token =
                Some(settings.session_token.reveal().to_owned()).filter(|token| !token.is_empty());
            let secret = settings.secret_access_key.reveal();
            loader = loader.credentials_provider(Credentials::new(
                &settings.access_key_id,
                secret,
                token,
                None,
                "configuration",
            ));
        }
        let shared = loader.load().await;
        let attempts = RetryConfig::standard()
            .with_max_attempts(settings.attempts)
            .with_max_backoff(Duration::from_secs(10));
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(settings.connect_timeout_seconds))
            .operation_attempt_timeout(settings.attempt_timeout())
            .build();
        let mut config = aws_sdk_s3::config::Builder::from(&shared)
            .force_path_style(settings.path_style())
            .retry_config(attempts)
            .timeout_config(timeouts)
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled()
                    .grace_period(Duration::from_secs(20))
                    .build(),
            )
            // We compute checksums ourselves: the client's own default breaks several compatible services.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if shared.region().is_none() {
            config = config.region(Region::from_static("us-east-1"));
        }
        if !settings.endpoint.is_empty() {
            config = config.endpoint_url(&settings.endpoint);
        }
        let prefix = settings.prefix.trim_matches('/');
        let prefix = if prefix.is_empty() {
            String::new()
        } else {
            format!("{prefix}/")
        };
        Self {
            client: Client::from_conf(config.build()),
            settings,
            prefix,
            single_writer: Mutex::new(()),
        }
    }
}

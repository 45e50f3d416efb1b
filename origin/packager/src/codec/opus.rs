//! Opus (Encapsulation of Opus in ISO BMFF, 4.3.2).

/// What a `dOps` box says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpusConfig {
    pub(crate) channels: u32,
}

impl OpusConfig {
    /// Reads the content of a `dOps` box; `None` when it is broken.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let (&[version, channels, ..], _) = data.split_first_chunk::<11>()?;
        (version == 0 && channels > 0).then(|| Self {
            channels: u32::from(channels),
        })
    }
}

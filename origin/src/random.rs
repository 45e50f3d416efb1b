//! Random names and secrets.

/// `bytes` random bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex_string(bytes: usize) -> String {
    hex::encode(random_bytes(bytes))
}

/// `count` bytes from the operating system's generator.
#[must_use]
pub fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    fill(&mut bytes);
    bytes
}

/// Fills a buffer from the operating system's generator.
pub fn fill(buffer: &mut [u8]) {
    // Fails only where the system call is missing or forbidden; going on with weak names would be worse than stopping.
    getrandom::fill(buffer).expect("the operating system provides random numbers");
}

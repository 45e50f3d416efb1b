// A caption message, for unit tests and integration tests: included as it stands.

/// A message of user data that carries caption constructs (ANSI/SCTE 128-1, ATSC A/53 part 4), of three bytes each.
pub(crate) fn message(constructs: &[[u8; 3]]) -> Vec<u8> {
    let mut payload = b"\xb5\x00\x31GA94\x03".to_vec();
    payload.extend([0x40 | u8::try_from(constructs.len()).unwrap(), 0xff]);
    payload.extend(constructs.concat());
    payload.push(0xff);
    let mut message = vec![4, u8::try_from(payload.len()).unwrap()];
    message.extend(payload);
    message.push(0x80);
    message
}

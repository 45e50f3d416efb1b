#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| geo_block::fuzzing::list(data));

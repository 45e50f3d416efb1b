#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| experiment::fuzzing::force(data));

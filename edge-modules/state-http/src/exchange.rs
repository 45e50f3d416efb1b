//! One POST over `wasi:http` 0.2, waited for until its deadline.
//!
//! Resources are dropped in the order that the host demands: a stream before its body, a body before its message.

use wasip2::clocks::monotonic_clock;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::poll::{self, Pollable};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use weir_counters::wire::{CONTENT_TYPE, MAX_BODY_BYTES};

use crate::config::Config;

/// Bytes that one blocking write takes (`wasi:io/streams`).
const WRITE_BYTES: usize = 4_096;
const READ_BYTES: u64 = 64 * 1024;

/// Sends a body and answers the response's.
///
/// # Errors
/// What the authority did, as the end of a sentence.
pub(crate) fn exchange(config: &Config, body: &[u8]) -> Result<Vec<u8>, String> {
    let deadline = monotonic_clock::subscribe_duration(config.timeout_ns);
    let request = request(config, body.len())?;
    let outgoing = request
        .body()
        .map_err(|()| "request has no body".to_owned())?;
    let answer = outgoing_handler::handle(request, Some(options(config)))
        .map_err(|error| format!("cannot be reached: {error}"))?;
    // An authority that refuses may answer before it has read the body, and close: its answer says more than the broken stream.
    let mut unfinished = None;
    let sent = match write(&outgoing, body) {
        Ok(()) => {
            OutgoingBody::finish(outgoing, None).map_err(|error| format!("broke off: {error}"))
        }
        Err(why) => {
            unfinished = Some(outgoing);
            Err(why)
        }
    };
    let response = match wait(&answer, &deadline) {
        Ok(response) => response,
        Err(why) => return Err(sent.err().unwrap_or(why)),
    };
    drop(unfinished);
    match response.status() {
        200 => sent?,
        401 | 403 => return Err("refuses the key".to_owned()),
        status => return Err(format!("answered with status {status}")),
    }
    read(&response, &deadline)
}

fn request(config: &Config, length: usize) -> Result<OutgoingRequest, String> {
    let headers = [
        ("content-type".to_owned(), CONTENT_TYPE.as_bytes().to_vec()),
        ("content-length".to_owned(), length.to_string().into_bytes()),
        (
            "authorization".to_owned(),
            format!("Bearer {}", config.key).into_bytes(),
        ),
    ];
    let fields =
        Fields::from_list(&headers).map_err(|error| format!("cannot be asked: {error:?}"))?;
    let request = OutgoingRequest::new(fields);
    let scheme = if config.tls {
        Scheme::Https
    } else {
        Scheme::Http
    };
    request
        .set_method(&Method::Post)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(&config.authority)))
        .and_then(|()| request.set_path_with_query(Some(&config.path)))
        .map_err(|()| "has an address that the host does not take".to_owned())?;
    Ok(request)
}

/// The host keeps time-outs too, where it can; the deadline holds in any case.
fn options(config: &Config) -> RequestOptions {
    let options = RequestOptions::new();
    let timeout = Some(config.timeout_ns);
    let _ = options.set_connect_timeout(timeout);
    let _ = options.set_first_byte_timeout(timeout);
    let _ = options.set_between_bytes_timeout(timeout);
    options
}

fn write(outgoing: &OutgoingBody, body: &[u8]) -> Result<(), String> {
    let stream: OutputStream = outgoing.write().map_err(|()| "takes no body".to_owned())?;
    for part in body.chunks(WRITE_BYTES) {
        stream
            .blocking_write_and_flush(part)
            .map_err(|error| format!("broke off: {error}"))?;
    }
    Ok(())
}

fn wait(answer: &FutureIncomingResponse, deadline: &Pollable) -> Result<IncomingResponse, String> {
    let ready = answer.subscribe();
    loop {
        if let Some(answered) = answer.get() {
            let response = answered.map_err(|()| "answered twice".to_owned())?;
            return response.map_err(|error| format!("cannot be reached: {error}"));
        }
        until(&ready, deadline)?;
    }
}

fn read(response: &IncomingResponse, deadline: &Pollable) -> Result<Vec<u8>, String> {
    let incoming: IncomingBody = response.consume().map_err(|()| "sent no body".to_owned())?;
    let stream: InputStream = incoming.stream().map_err(|()| "sent no body".to_owned())?;
    let ready = stream.subscribe();
    let mut body = Vec::new();
    loop {
        match stream.read(READ_BYTES) {
            Ok(part) if part.is_empty() => until(&ready, deadline)?,
            Ok(part) => body.extend_from_slice(&part),
            Err(StreamError::Closed) => return Ok(body),
            Err(error) => return Err(format!("broke off: {error}")),
        }
        if body.len() > MAX_BODY_BYTES {
            return Err("sent too much".to_owned());
        }
    }
}

/// Waits until something is ready, at most until the deadline.
fn until(ready: &Pollable, deadline: &Pollable) -> Result<(), String> {
    poll::poll(&[ready, deadline]);
    if deadline.ready() && !ready.ready() {
        return Err("did not answer in time".to_owned());
    }
    Ok(())
}

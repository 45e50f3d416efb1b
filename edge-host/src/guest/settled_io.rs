//! `wasi:io` for calls that may not wait.
//!
//! A door is called on a thread of the server's runtime, where nothing may block; the library's synchronous streams would
//! enter the runtime a second time and panic. All streams of a door are always ready (its log), so every operation is done at
//! once; one that would have to wait is a trap.

use futures_util::FutureExt as _;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::io::poll as async_poll;
use wasmtime_wasi::p2::bindings::io::streams as async_streams;
use wasmtime_wasi::p2::bindings::sync::io::{poll, streams};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, StreamError, StreamResult};

const WAITS: &str = "a door may not wait: it called a blocking operation that is not ready";

/// The table of a guest, seen without waiting.
pub(crate) struct Settled<'a>(pub(crate) &'a mut ResourceTable);

/// Links [`Settled`].
pub(crate) struct SettledIo;

impl HasData for SettledIo {
    type Data<'a> = Settled<'a>;
}

fn settled<T>(future: impl Future<Output = StreamResult<T>>) -> StreamResult<T> {
    future
        .now_or_never()
        .unwrap_or_else(|| Err(StreamError::trap(WAITS)))
}

fn settled_or_trap<T>(future: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    future
        .now_or_never()
        .unwrap_or_else(|| Err(wasmtime::Error::msg(WAITS)))
}

impl streams::Host for Settled<'_> {
    fn convert_stream_error(
        &mut self,
        error: StreamError,
    ) -> wasmtime::Result<streams::StreamError> {
        streams::Host::convert_stream_error(self.0, error)
    }
}

impl streams::HostOutputStream for Settled<'_> {
    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        async_streams::HostOutputStream::check_write(self.0, stream)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        async_streams::HostOutputStream::write(self.0, stream, bytes)
    }

    fn blocking_write_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        bytes: Vec<u8>,
    ) -> StreamResult<()> {
        settled(async_streams::HostOutputStream::blocking_write_and_flush(
            self.0, stream, bytes,
        ))
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        async_streams::HostOutputStream::flush(self.0, stream)
    }

    fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        settled(async_streams::HostOutputStream::blocking_flush(
            self.0, stream,
        ))
    }

    fn subscribe(
        &mut self,
        stream: Resource<DynOutputStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        async_streams::HostOutputStream::subscribe(self.0, stream)
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        async_streams::HostOutputStream::write_zeroes(self.0, stream, length)
    }

    fn blocking_write_zeroes_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        length: u64,
    ) -> StreamResult<()> {
        settled(
            async_streams::HostOutputStream::blocking_write_zeroes_and_flush(
                self.0, stream, length,
            ),
        )
    }

    fn splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        async_streams::HostOutputStream::splice(self.0, to, from, length)
    }

    fn blocking_splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        settled(async_streams::HostOutputStream::blocking_splice(
            self.0, to, from, length,
        ))
    }

    fn drop(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        settled_or_trap(async_streams::HostOutputStream::drop(self.0, stream))
    }
}

impl streams::HostInputStream for Settled<'_> {
    fn read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        async_streams::HostInputStream::read(self.0, stream, length)
    }

    fn blocking_read(
        &mut self,
        stream: Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<Vec<u8>> {
        settled(async_streams::HostInputStream::blocking_read(
            self.0, stream, length,
        ))
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        async_streams::HostInputStream::skip(self.0, stream, length)
    }

    fn blocking_skip(
        &mut self,
        stream: Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        settled(async_streams::HostInputStream::blocking_skip(
            self.0, stream, length,
        ))
    }

    fn subscribe(
        &mut self,
        stream: Resource<DynInputStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        async_streams::HostInputStream::subscribe(self.0, stream)
    }

    fn drop(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        settled_or_trap(async_streams::HostInputStream::drop(self.0, stream))
    }
}

impl poll::Host for Settled<'_> {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        settled_or_trap(async_poll::Host::poll(self.0, pollables))
    }
}

impl poll::HostPollable for Settled<'_> {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        settled_or_trap(async_poll::HostPollable::ready(self.0, pollable))
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        settled_or_trap(async_poll::HostPollable::block(self.0, pollable))
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        async_poll::HostPollable::drop(self.0, pollable)
    }
}

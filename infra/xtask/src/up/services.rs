//! Starts MinIO, the origin and the edge, in that order, each when the one before it answers.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use super::settings::{BUCKET, MINIO_USER, Place, Ports};
use super::{Programs, Say};
use crate::child::Program;

/// Modules are compiled at the first start; on a slow machine that takes a while.
const READY: Duration = Duration::from_secs(180);

/// What runs. Dropped from the edge inwards, so that nobody asks a program that is gone.
#[derive(Debug)]
pub(super) struct Running {
    edge: Program,
    origin: Program,
    minio: Option<Program>,
}

impl Running {
    /// Fails when one of them ended by itself.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        self.edge.check()?;
        self.origin.check()?;
        self.minio.as_mut().map_or(Ok(()), Program::check)
    }
}

/// Starts everything.
///
/// # Errors
/// A program that does not become ready; the text ends with its last words.
pub(super) fn start(
    programs: &Programs,
    place: &Place,
    ports: &Ports,
    minio: Option<&Path>,
    say: &Say,
) -> anyhow::Result<Running> {
    let log = |name: &str| place.home.join("log").join(name);
    let minio = match minio {
        None => None,
        Some(program) => Some(say.step("start MinIO", || {
            // With one drive, MinIO takes every folder of its data folder for a bucket.
            std::fs::create_dir_all(place.minio_data.join(BUCKET))
                .context("MinIO's folder cannot be made")?;
            let mut command = Command::new(program);
            command.arg("server").arg(&place.minio_data);
            command.args([
                "--address",
                &ports.minio().to_string(),
                "--console-address",
                &ports.minio_console().to_string(),
            ]);
            command
                .env("MINIO_ROOT_USER", MINIO_USER)
                .env("MINIO_ROOT_PASSWORD", &place.minio_secret);
            let mut minio = Program::start("MinIO", &mut command, &log("minio.log"))?;
            minio.wait_until(READY, || healthy(ports.minio(), "/minio/health/ready"))?;
            Ok(minio)
        })?),
    };
    let origin = say.step("start the origin", || {
        let mut command = Command::new(&programs.origin);
        command
            .args(["serve", "--config"])
            .arg(&place.origin_settings);
        let mut origin = Program::start("weir-origin", &mut command, &log("origin.log"))?;
        origin.wait_until(READY, || healthy(ports.origin(), "/readyz"))?;
        Ok(origin)
    })?;
    let edge = say.step("start the edge", || {
        let mut command = Command::new(&programs.edge);
        command
            .args(["serve", "--config"])
            .arg(&place.edge_settings);
        let mut edge = Program::start("weir-edge", &mut command, &log("edge.log"))?;
        edge.wait_until(READY, || {
            healthy(ports.edge_admin(), "/readyz") && listening(ports.edge())
        })?;
        Ok(edge)
    })?;
    Ok(Running {
        edge,
        origin,
        minio,
    })
}

fn healthy(address: SocketAddr, path: &str) -> bool {
    listening(address) && super::sample::get(&format!("http://{address}{path}")).is_ok()
}

fn listening(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_millis(300)).is_ok()
}

#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod arguments;
mod configuration;
mod doctor;
mod present;
mod record;
mod recordings;
mod serve;
mod signals;
mod streams;

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Context;
use arguments::{Arguments, Command};
use clap::Parser;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("convene: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    log_to_stderr(&arguments.log)?;
    // Several crates bring a provider of their own; all connections use this one.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::debug!("a crypto provider was installed already");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("The system gives no threads to work with")?;

    runtime.block_on(async {
        match arguments.command {
            Command::Serve(serve) => {
                serve::serve(configuration::read(&serve.configuration)?).await?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Present(present) => {
                present::present(present).await?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Record => Ok(record::record().await),
            Command::Recordings(recordings) => recordings::recordings(recordings).await,
            Command::Doctor(doctor) => Ok(doctor::doctor(&doctor).await),
        }
    })
}

/// Standard output belongs to what a program reads: the address, the recorder's events, the doctor's findings.
fn log_to_stderr(level: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(level)
        .with_context(|| format!("`{level}` is no log level; take error, warn, info, debug or trace"))?
        // At debug it prints its requests' headers, and with them the signature.
        .add_directive("azure_core=info".parse().expect("a fixed directive"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    Ok(())
}

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
use arguments::{Arguments, Command, LogFormat};
use clap::{Parser, ValueEnum};
use convene_web::RecorderProgram;
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
    log_to_stderr(&arguments.log, arguments.log_format)?;
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
                let mut config = configuration::read(&serve.configuration)?;
                config.recorder = config.recorder.or_else(|| recorder(&arguments.log, arguments.log_format));
                serve::serve(config).await?;
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
fn log_to_stderr(level: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(level)
        .with_context(|| format!("`{level}` is no log level; take error, warn, info, debug or trace"))?
        // At debug it prints its requests' headers, and with them the signature.
        .add_directive("azure_core=info".parse().expect("a fixed directive"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => subscriber.json().flatten_event(true).with_current_span(false).init(),
    }
    Ok(())
}

/// This program with `record`, which logs as this process does. If it does not know where it is, the service says so.
fn recorder(log: &str, format: LogFormat) -> Option<RecorderProgram> {
    let format = format.to_possible_value().expect("none is hidden");
    let arguments = ["--log", log, "--log-format", format.get_name(), "record"];
    let path = std::env::current_exe().ok()?;
    Some(RecorderProgram { path, arguments: arguments.map(str::to_owned).to_vec() })
}

//! The stories of blobs in a pipeline. One binary, so that it is linked once.

mod feeder;
mod launch;
mod reading;
mod regions;
mod support;
mod trouble;
mod writing;

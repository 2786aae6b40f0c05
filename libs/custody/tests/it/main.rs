//! Receipts, bundles and seals as others see them.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod audit;
mod bytes;
mod golden;
mod receipts;
mod support;
mod tampering;
mod words;

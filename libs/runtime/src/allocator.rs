//! The memory of every program that links this crate.
//!
//! A call takes and gives back some hundred small pieces of memory on whichever thread it happens to
//! run, which is where the C library's allocator is slow.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

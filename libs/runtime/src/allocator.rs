//! Where the memory of every process comes from.
//!
//! The C library's allocator took a quarter of a service's CPU under load: rows and events are many
//! small strings that one thread makes and another drops.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

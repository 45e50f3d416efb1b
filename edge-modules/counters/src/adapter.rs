//! The shell of an adapter component: `weir:state/counters`, exported, over any [`CounterStore`](crate::CounterStore).

#[cfg(all(target_arch = "wasm32", feature = "adapter"))]
#[doc(hidden)]
pub mod bindings {
    #![allow(missing_docs, clippy::all, unreachable_pub)]
    wit_bindgen::generate!({
        path: "../../wit/deps/weir-state",
        world: "adapter",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_counters",
        default_bindings_module: "weir_counters::adapter::bindings",
    });
}

/// Makes the component's export `weir:state/counters` from a store.
///
/// `export_counters!(store())`: an expression for the store (anything whose reference is a [`CounterStore`](crate::CounterStore)),
/// evaluated for each call. Needs feature `adapter`; does nothing in a native build.
#[macro_export]
#[cfg(not(all(target_arch = "wasm32", feature = "adapter")))]
macro_rules! export_counters {
    ($store:expr) => {};
}

/// Makes the component's export `weir:state/counters` from a store.
#[macro_export]
#[cfg(all(target_arch = "wasm32", feature = "adapter"))]
macro_rules! export_counters {
    ($store:expr) => {
        const _: () = {
            use $crate::CounterStore as _;
            use $crate::adapter::bindings::exports::weir::state::counters as wit;

            struct Adapter;
            impl wit::Guest for Adapter {
                fn take(limits: Vec<wit::Limit>) -> Result<Vec<wit::Standing>, wit::StoreError> {
                    let limits: Vec<$crate::Limit<'_>> = limits
                        .iter()
                        .map(|limit| $crate::Limit {
                            key: &limit.key,
                            interval_ns: limit.interval_ns,
                            burst: limit.burst,
                            cost: limit.cost,
                        })
                        .collect();
                    let standings = $store.take(&limits).map_err(refusal)?;
                    Ok(standings
                        .into_iter()
                        .map(|standing| wit::Standing {
                            allowed: standing.allowed,
                            remaining: standing.remaining,
                            retry_after_ns: standing.retry_after_ns,
                            reset_after_ns: standing.reset_after_ns,
                        })
                        .collect())
                }

                fn lease(
                    set: Vec<u8>,
                    holder: Vec<u8>,
                    capacity: u32,
                    ttl_ns: u64,
                    takeover: wit::Takeover,
                ) -> Result<wit::LeaseOutcome, wit::StoreError> {
                    let takeover = match takeover {
                        wit::Takeover::RefuseNewest => $crate::Takeover::RefuseNewest,
                        wit::Takeover::DropOldest => $crate::Takeover::DropOldest,
                    };
                    let request =
                        $crate::LeaseRequest { set: &set, holder: &holder, capacity, ttl_ns, takeover };
                    let outcome = $store.lease(request).map_err(refusal)?;
                    Ok(wit::LeaseOutcome {
                        granted: outcome.granted,
                        active: outcome.active,
                        dropped: outcome.dropped,
                        retry_after_ns: outcome.retry_after_ns,
                    })
                }

                fn release(set: Vec<u8>, holder: Vec<u8>) -> Result<bool, wit::StoreError> {
                    $store.release(&set, &holder).map_err(refusal)
                }

                fn increment(key: Vec<u8>, by: i64, ttl_ns: u64) -> Result<i64, wit::StoreError> {
                    $store.increment(&key, by, ttl_ns).map_err(refusal)
                }

                fn get(key: Vec<u8>) -> Result<Option<Vec<u8>>, wit::StoreError> {
                    $store.get(&key).map_err(refusal)
                }

                fn put_if(
                    key: Vec<u8>,
                    expected: Option<Vec<u8>>,
                    value: Vec<u8>,
                    ttl_ns: u64,
                ) -> Result<bool, wit::StoreError> {
                    $store.put_if(&key, expected.as_deref(), &value, ttl_ns).map_err(refusal)
                }

                fn delete(key: Vec<u8>) -> Result<bool, wit::StoreError> {
                    $store.delete(&key).map_err(refusal)
                }
            }

            $crate::adapter::bindings::export_counters!(Adapter with_types_in $crate::adapter::bindings);

            fn refusal(error: $crate::StoreError) -> wit::StoreError {
                match error {
                    $crate::StoreError::Unavailable(why) => wit::StoreError::Unavailable(why),
                    $crate::StoreError::Invalid(why) => wit::StoreError::Invalid(why),
                }
            }
        };
    };
}

//! Routes as they serve.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::module::Module;
use crate::config::{Config, HostHeader, PathPattern, RouteCache};
use crate::observe::metrics::{Metrics, RouteMetrics};
use crate::origin::Origin;

/// A route.
pub(crate) struct Route {
    pub(crate) name: Arc<str>,
    hosts: Vec<HostPattern>,
    paths: Vec<PathPattern>,
    pub(crate) viewer: Vec<Arc<Module>>,
    pub(crate) origin_modules: Vec<Arc<Module>>,
    pub(crate) origin: Arc<Origin>,
    /// The viewer's host reaches the origin, so it tells objects apart.
    pub(crate) host_matters: bool,
    pub(crate) cache: Arc<RouteCache>,
    pub(crate) metrics: RouteMetrics,
}

/// All routes, in order.
pub(crate) struct Routes(Vec<Arc<Route>>);

enum HostPattern {
    Exact(String),
    /// Everything under it, not itself; begins with a dot.
    Under(String),
}

impl Routes {
    pub(super) fn build(
        config: &Config,
        modules: &BTreeMap<String, Arc<Module>>,
        origins: &BTreeMap<String, Arc<Origin>>,
        metrics: &Metrics,
    ) -> Result<Self, (String, String)> {
        let mut routes = Vec::new();
        for route in &config.routes {
            let find = |names: &[String]| -> Result<Vec<Arc<Module>>, (String, String)> {
                names
                    .iter()
                    .map(|name| {
                        modules.get(name).cloned().ok_or_else(|| {
                            (route.name.clone(), format!("there is no module `{name}`"))
                        })
                    })
                    .collect()
            };
            let origin = origins.get(&route.origin).cloned().ok_or_else(|| {
                let why = format!("there is no origin `{}`", route.origin);
                (route.name.clone(), why)
            })?;
            let (viewer, origin_modules) = (find(&route.viewer)?, find(&route.origin_modules)?);
            let names = viewer
                .iter()
                .chain(&origin_modules)
                .map(|module| &*module.name);
            routes.push(Arc::new(Route {
                metrics: metrics.route(&route.name, names),
                name: route.name.as_str().into(),
                hosts: route
                    .hosts
                    .iter()
                    .map(|host| HostPattern::new(host))
                    .collect(),
                paths: route.paths.clone(),
                viewer,
                origin_modules,
                host_matters: config.origins[&route.origin].host == HostHeader::Viewer,
                origin,
                cache: Arc::new(route.cache.clone()),
            }));
        }
        Ok(Self(routes))
    }

    /// The first route that takes this host (with or without port) and path.
    pub(super) fn find(&self, authority: &str, path: &str) -> Option<&Arc<Route>> {
        let host = host_of(authority);
        self.0.iter().find(|route| {
            (route.hosts.is_empty() || route.hosts.iter().any(|pattern| pattern.matches(host)))
                && (route.paths.is_empty()
                    || route.paths.iter().any(|pattern| pattern.matches(path)))
        })
    }
}

impl Route {
    /// The scope of its cache keys: another route may send the same target through other modules.
    pub(crate) fn scope(&self, authority: &str) -> Arc<str> {
        if self.host_matters {
            let host = authority.to_ascii_lowercase();
            format!("{}\t{host}", self.name).into()
        } else {
            Arc::clone(&self.name)
        }
    }
}

impl HostPattern {
    fn new(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        match text.strip_prefix('*') {
            Some(under) => Self::Under(under.to_owned()),
            None => Self::Exact(text),
        }
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => host.eq_ignore_ascii_case(exact),
            Self::Under(under) => {
                host.len() > under.len()
                    && host
                        .get(host.len() - under.len()..)
                        .is_some_and(|end| end.eq_ignore_ascii_case(under))
            }
        }
    }
}

/// Without port; an IPv6 address keeps its brackets.
fn host_of(authority: &str) -> &str {
    if authority.starts_with('[') {
        return authority
            .find(']')
            .map_or(authority, |end| &authority[..=end]);
    }
    authority
        .split_once(':')
        .map_or(authority, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_match_without_case_and_port() {
        let exact = HostPattern::new("Media.example.com");
        assert!(exact.matches(host_of("media.EXAMPLE.com:8080")));
        let under = HostPattern::new("*.example.com");
        assert!(under.matches("a.b.example.com"));
        assert!(!under.matches("example.com"));
        assert!(!under.matches("badexample.com"));
        assert!(HostPattern::new("*").matches("x"));
        assert_eq!(host_of("[::1]:80"), "[::1]");
    }
}

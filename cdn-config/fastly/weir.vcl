# Fastly before a Weir node. A custom VCL: the backend is named F_weir.

sub vcl_recv {
#FASTLY recv
  if (req.method != "HEAD" && req.method != "GET" && req.method != "FASTLYPURGE") {
    return(pass);
  }
  # The API and the pages are the node's own.
  if (req.url.path !~ "^/(vod|t)/") {
    return(pass);
  }
  # What the node says of itself to modules is not for viewers to say.
  unset req.http.weir-client-ip;
  unset req.http.weir-subject;
  unset req.http.weir-tier;
  set req.http.X-Forwarded-For = client.ip;
  return(lookup);
}

sub vcl_fetch {
#FASTLY fetch
  # A refusal belongs to one viewer.
  if (beresp.status == 401 || beresp.status == 403 || beresp.status == 429) {
    return(pass);
  }
  if (beresp.http.Cache-Control ~ "(?i)(private|no-store)") {
    return(pass);
  }
  set beresp.stale_if_error = 3600s;
  return(deliver);
}

sub vcl_deliver {
#FASTLY deliver
  if (!req.http.Fastly-FF) {
    unset resp.http.Surrogate-Key;
  }
  return(deliver);
}

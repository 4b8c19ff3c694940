# crossdomain_media_cors: preflights, answers that scripts of other origins can read, and what the others get.
use v5.20;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

our $Url = 'https://www.example.com';
our $Origin = "Origin: $Url";

# What a browser asks before a request that is not simple.
our $Preflight = "$Origin\nAccess-Control-Request-Method: PUT";

# What reaches it says so.
our $Upstream = <<'CONFIG';
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / {
            add_header X-Upstream reached;
            return 200 "$request_method $request_uri\n";
        }
    }
CONFIG

our $Proxy = 'proxy_pass http://$TEST_NGINX_UPSTREAM;';

# An application, which answers scripts in its own way, and a storage.
our $Elsewhere = <<'CONFIG';
    server {
        listen $TEST_NGINX_UPSTREAM;
        add_header Access-Control-Allow-Origin https://elsewhere.example always;
        add_header ACCESS-CONTROL-ALLOW-CREDENTIALS false always;
        add_header access-control-expose-headers X-Own always;
        add_header Access-Control-Allow-Private-Network true always;
        add_header Vary Accept-Language always;
        location / { root html; }
    }
CONFIG

# user:secret
our @Files = (
    [ "media/a.txt", "private\n" ],
    [ "../conf/passwd", 'user:{PLAIN}secret' . "\n" ],
);

# A guard whose scripts are those of the application, with more directives.
sub guard {
    my ($more, $origins) = @_;
    $more //= '';
    $origins //= $Url;
    return <<"CONFIG";
        crossdomain_media https://www.example.com;
        crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key id=main;
        crossdomain_media_cors $origins;
        $more
CONFIG
}

sub guarded { return 'location /media/ { ' . guard(@_) . ' }' }

# The same for any target, where every refusal is a redirect.
sub everywhere { return 'location / { ' . guard("crossdomain_media_on invalid redirect; $_[0]") . ' }' }

sub allows {
    my ($origin, $more) = @_;
    my $credentials = $origin =~ /^http/ ? 'Access-Control-Allow-Credentials: true' : '! Access-Control-Allow-Credentials';
    return "Access-Control-Allow-Origin: $origin\n$credentials\n" . ($more // '');
}

# What an allowed origin is told in any answer but a preflight's.
our $Exposed = 'Access-Control-Expose-Headers: Accept-Ranges, Content-Range, ETag, WWW-Authenticate, Crossdomain-Media-Location';
our $Allowed = allows($Url, "$Exposed\n! Access-Control-Allow-Methods\n! Access-Control-Allow-Headers\n! Access-Control-Max-Age\n");

# What none is told.
our $Nothing = join '', map { "! Access-Control-$_\n" } qw(Allow-Origin Allow-Credentials Expose-Headers Allow-Methods Allow-Headers Max-Age);

# How a preflight for a method is answered.
sub answers {
    my ($method, $headers) = @_;
    my $named = defined $headers ? "Access-Control-Allow-Headers: $headers" : '! Access-Control-Allow-Headers';
    return allows($Url, "Access-Control-Allow-Methods: $method\n$named\nAccess-Control-Max-Age: 600\n"
        . "! Access-Control-Expose-Headers\nCache-Control: no-store\nVary: Origin, Sec-Fetch-Mode\n");
}

# All header lines of a response, in their order; the values of some.
sub only {
    my @lines = map { /:/ ? quotemeta : quotemeta($_) . ': [^\r]*' } @_;
    return '\AHTTP/1\.1 [^\r]*\r\n' . join('\r\n', @lines) . '\s*\z';
}

# Targets, and where the application has what they name.
our @Targets = (
    [ '/media/a.txt' ],
    [ '/' ],
    [ '/media/a.txt?b=2&a=1' ],
    [ '/media/a.txt?token=x&b="c"&token=y', '/media/a.txt?b="c"' ],
    [ '/media/"a\\b".txt' ],
    [ '/media/100%25%2f%22.txt?x=%' ],
    [ "/media/caf\xc3\xa9.txt?q=\xe2\x82\xac", '/media/caf%C3%A9.txt?q=%E2%82%AC' ],
    [ "/media/\xff\xfe", '/media/%FF%FE' ],
    [ "/media/a.txt?</script>&{}[]|^`'" ],
);

# Where they point in another direction, they do not.
our @Attempts = (
    [ '//evil.example/media/a.txt' ],
    [ '/@evil.example/' ],
    [ '/\\evil.example/' ],
    [ '/%0d%0aLocation:%20https://evil.example/' ],
    [ '/media/a.txt?","location":"https://evil.example/' ],
    [ 'http://evil.example/media/a.txt?token=x&x=1', '/media/a.txt?x=1' ],
    [ 'http://evil.example', '/' ],
    [ 'http://evil.example?x=1', '/?x=1' ],
    [ '/media/a.txt?token=https://evil.example', '/media/a.txt' ],
);

# Requests for them.
sub asks { return [ map { "GET $_->[0]" } @_ ] }

sub destinations { return map { $Url . ($_->[1] // $_->[0]) } @_ }

# What a target's token is: there is none, or one that never held.
sub told {
    my @targets = @_;
    my @urls = destinations(@targets);
    return [ map { ($targets[$_][0] =~ /token=x&.*token=y/ ? 'invalid token_repeated '
        : $targets[$_][0] =~ /token=/ ? 'invalid token_malformed ' : 'missing no_token ') . $urls[$_] } 0 .. $#targets ];
}

run_tests();

__DATA__

=== a preflight of an allowed origin is answered, with what it asks for
--- config eval: main::guarded()
--- request
OPTIONS /media/a.txt
--- more_headers eval: "$main::Preflight\nAccess-Control-Request-Headers: authorization, range,x-a"
--- error_code: 204
--- response_headers eval: main::answers("PUT", "authorization, range,x-a")
--- response_body
--- no_error_log eval: $Media::Logged



=== a preflight that asks for no headers is told none
--- config eval: main::guarded()
--- request eval: [ ("OPTIONS /media/a.txt") x 4 ]
--- more_headers eval: [ map { "$main::Origin\nAccess-Control-Request-Method: $_" } qw(GET DELETE PATCH X-OWN) ]
--- error_code eval: [ (204) x 4 ]
--- response_headers eval: [ map { main::answers($_) } qw(GET DELETE PATCH X-OWN) ]



=== a preflight of another origin is refused, and told nothing
--- config eval: main::guarded()
--- request eval: [ ("OPTIONS /media/a.txt") x 6 ]
--- more_headers eval
[ map { "Origin: $_\nAccess-Control-Request-Method: PUT\nAccess-Control-Request-Headers: x-a" } "https://evil.example", "null", "http://www.example.com", "https://www.example.com.evil.example", "https://WWW.example.com", "https://www.example.com:443" ]
--- error_code eval: [ (403) x 6 ]
--- response_headers eval: [ ("${main::Nothing}Cache-Control: no-store\nVary: Origin, Sec-Fetch-Mode\n! Crossdomain-Media-Location\n! Location") x 6 ]
--- response_body eval: [ ("") x 6 ]



=== a preflight needs no token, and one does not matter
--- http_config eval: $main::Upstream
--- config eval: main::guarded($main::Proxy)
--- request eval: [ "OPTIONS /media/a.txt?token=x", "OPTIONS " . signed("/media/a.txt") ]
--- more_headers eval: $main::Preflight
--- error_code eval: [ 204, 204 ]
--- response_headers eval: [ (main::answers("PUT") . "! X-Upstream\nReferrer-Policy: no-referrer") x 2 ]
--- response_body eval: [ "", "" ]



=== OPTIONS without Origin is a request like others
--- http_config eval: $main::Upstream
--- config eval: main::guarded($main::Proxy)
--- request eval: "OPTIONS " . signed("/media/a.txt")
--- more_headers
Access-Control-Request-Method: PUT
--- error_code: 200
--- response_headers eval: "${main::Nothing}Vary: Origin, Sec-Fetch-Mode\nX-Upstream: reached"
--- response_body
OPTIONS /media/a.txt



=== OPTIONS without Origin and token is refused as others
--- config eval: main::guarded()
--- request
OPTIONS /media/a.txt
--- more_headers
Access-Control-Request-Method: PUT
--- unauthorized: missing no_token https://www.example.com/media/a.txt
--- response_headers eval: $main::Nothing



=== OPTIONS without Access-Control-Request-Method is a request like others
--- http_config eval: $main::Upstream
--- config eval: main::guarded($main::Proxy)
--- request eval: "OPTIONS " . signed("/media/a.txt")
--- more_headers eval: $main::Origin
--- error_code: 200
--- response_headers eval: $main::Allowed
--- response_body
OPTIONS /media/a.txt



=== other methods are no preflights, whatever they ask for
--- http_config eval: $main::Upstream
--- config eval: main::guarded($main::Proxy)
--- request eval: [ map { "$_ " . signed("/media/a.txt") } qw(GET POST PUT DELETE) ]
--- more_headers eval: $main::Preflight
--- error_code eval: [ (200) x 4 ]
--- response_headers eval: [ ($main::Allowed) x 4 ]
--- response_body eval: [ map { "$_ /media/a.txt\n" } qw(GET POST PUT DELETE) ]



=== a preflight with two of its headers is none
--- http_config eval: $main::Upstream
--- config eval: main::guarded($main::Proxy)
--- request eval: [ ("OPTIONS " . signed("/media/a.txt")) x 3 ]
--- more_headers eval
[ "$main::Origin\n$main::Preflight", "$main::Preflight\nAccess-Control-Request-Method: PUT", "$main::Origin\n$main::Preflight\n$main::Origin" ]
--- error_code eval: [ (200) x 3 ]
--- response_headers eval: [ $main::Nothing, $main::Allowed, $main::Nothing ]
--- response_body eval: [ ("OPTIONS /media/a.txt\n") x 3 ]



=== a preflight with two lists of headers is told none
--- config eval: main::guarded()
--- request
OPTIONS /media/a.txt
--- more_headers eval: "$main::Preflight\nAccess-Control-Request-Headers: x-a\nAccess-Control-Request-Headers: x-b"
--- error_code: 204
--- response_headers eval: main::answers("PUT")



=== an answer repeats names of headers only
--- config eval: main::guarded()
--- request eval: [ ("OPTIONS /media/a.txt") x 6 ]
--- more_headers eval: [ map { "$main::Preflight\nAccess-Control-Request-Headers: $_" } "x-a: b", 'x-"a"', "x-a/b", "x-\xc3\xa9", "x-a\x7f", "" ]
--- error_code eval: [ (204) x 6 ]
--- response_headers eval: [ (main::answers("PUT")) x 6 ]



=== an answer repeats methods only
--- config eval: main::guarded()
--- request eval: [ ("OPTIONS /media/a.txt") x 4 ]
--- more_headers eval: [ map { "$main::Origin\nAccess-Control-Request-Method: $_" } "PUT:", '"PUT"', "\xc3\xa9", "" ]
--- error_code eval: [ (204) x 4 ]
--- response_headers eval: [ (main::answers("GET")) x 4 ]



=== a preflight is answered before any other module asks for something that it never has
--- http_config
    limit_req_zone $binary_remote_addr zone=all:64k rate=1000r/s;
--- config eval
join "", map { my ($name, $more) = @$_; "location /$name/ { " . main::guard($more) . " }" }
    [ media => "satisfy any; deny all;" ], [ deny => "deny all;" ], [ basic => "auth_basic realm; auth_basic_user_file passwd;" ],
    [ either => "satisfy any; auth_basic realm; auth_basic_user_file passwd;" ], [ auth => "auth_request /no;" ],
    [ limit => "limit_except GET { deny all; }" ], [ only => "limit_except GET { auth_basic realm; auth_basic_user_file passwd; }" ]
--- user_files eval: \@main::Files
--- request eval: [ map { "OPTIONS /$_/a.txt" } qw(media deny basic either auth limit only) ]
--- more_headers eval: $main::Preflight
--- error_code eval: [ (204) x 7 ]
--- response_headers eval: [ (main::answers("PUT") . "! WWW-Authenticate\n") x 7 ]
--- response_body eval: [ ("") x 7 ]



=== one of another origin is refused there all the same
--- config eval: main::guarded("satisfy any; allow all;")
--- request
OPTIONS /media/a.txt
--- more_headers
Origin: https://evil.example
Access-Control-Request-Method: PUT
--- refused: 403
--- response_headers eval: $main::Nothing



=== limit_except may have other origins, or none
--- http_config eval: $main::Upstream
--- config eval
"location /media/ { " . main::guard("$main::Proxy limit_except GET { crossdomain_media_cors https://other.example; }") . " }
 location /other/ { " . main::guard("$main::Proxy limit_except GET { crossdomain_media_cors off; }") . " }"
--- request eval
[ "OPTIONS /media/a.txt", "OPTIONS /media/a.txt", "OPTIONS /other/a.txt", "OPTIONS " . signed("/other/a.txt"), "GET " . signed("/other/a.txt") ]
--- more_headers eval: [ $main::Preflight, $main::Preflight =~ s/www.example.com/other.example/r, ($main::Preflight) x 3 ]
--- error_code eval: [ 403, 204, 302, 200, 200 ]
--- response_headers eval: [ $main::Nothing, "Access-Control-Allow-Origin: https://other.example", $main::Nothing, $main::Nothing, $main::Allowed ]



=== in a dry run preflights pass, and scripts are served
--- http_config eval: $main::Upstream
--- config eval: main::guarded("crossdomain_media_dry_run on; $main::Proxy")
--- request eval: [ "OPTIONS /media/a.txt", "OPTIONS /media/a.txt", "GET /media/a.txt" ]
--- more_headers eval: [ $main::Preflight, "Origin: https://evil.example\nAccess-Control-Request-Method: PUT", "$main::Origin\nSec-Fetch-Mode: cors" ]
--- error_code eval: [ (200) x 3 ]
--- response_headers eval: [ $main::Allowed, $main::Nothing, $main::Allowed ]
--- response_body eval: [ ("OPTIONS /media/a.txt\n") x 2, "GET /media/a.txt\n" ]



=== where the guard is off, nothing is answered or said
--- http_config eval: "$main::Upstream map \$uri \$application { volatile; default $main::Url; /media/public/p.txt off; }"
--- config eval: main::guarded($main::Proxy) =~ s/crossdomain_media \K\S+(?=;)/\$application/r
--- request eval: [ map { ("OPTIONS $_", "GET $_") } "/media/public/p.txt", "/media/a.txt" ]
--- more_headers eval: [ ($main::Preflight, "$main::Origin\nSec-Fetch-Mode: cors") x 2 ]
--- error_code eval: [ 200, 200, 204, 401 ]
--- response_headers eval: [ ("$main::Nothing! Vary") x 2, main::answers("PUT"), $main::Allowed ]



=== HTTP/2: preflights
--- http2
--- config eval: main::guarded()
--- request
OPTIONS /media/a.txt
--- more_headers eval: "$main::Preflight\nAccess-Control-Request-Headers: x-a"
--- error_code: 204
--- response_headers eval: main::answers("PUT", "x-a") =~ s/! (\S+)/! \L$1/gr
--- response_body



=== HTTP/2: preflights of other origins
--- http2
--- config eval: main::guarded()
--- request
OPTIONS /media/a.txt
--- more_headers
Origin: https://evil.example
Access-Control-Request-Method: PUT
--- error_code: 403
--- response_headers eval: lc $main::Nothing



=== HTTP/2: scripts
--- http2
--- config eval: main::guarded()
--- request
GET /media/a.txt?x=1
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- unauthorized: missing no_token https://www.example.com/media/a.txt?x=1
--- response_headers eval: main::allows($main::Url)



=== a preflight never reaches content: files, folders, upstreams
--- http_config eval: $main::Upstream
--- config eval
"location /media/ { " . main::guard("autoindex on;") . " }
 location /proxy/ { " . main::guard($main::Proxy) . " }
 location /try/ { " . main::guard("try_files /open/a.txt =404;") . " }"
--- request eval: [ map { my $path = $_; map { "OPTIONS " . signed($path) } 1 .. 2 } "/media/a.txt", "/media/dir/", "/media/", "/proxy/a.txt", "/try/none" ]
--- more_headers eval: [ ($main::Preflight, $main::Preflight =~ s/www/evil/r) x 5 ]
--- error_code eval: [ (204, 403) x 5 ]
--- response_headers eval: [ ("! X-Upstream") x 10 ]
--- response_body_unlike eval: [ ("private|open|OPTIONS") x 10 ]



=== no page of an error takes the place of a preflight's refusal
--- config eval: main::guard("error_page 403 /denied.html;") . " location /media/ { }"
--- request
OPTIONS /media/a.txt
--- more_headers
Origin: https://evil.example
Access-Control-Request-Method: PUT
--- refused: 403
--- response_headers eval: $main::Nothing
--- response_body:



=== a preflight is answered once, also where the page of an error is not guarded and has a page itself
--- config eval: main::guarded("error_page 403 /denied.html;") . " location = /denied.html { recursive_error_pages on; error_page 403 /denied.html; }"
--- request
OPTIONS /media/a.txt
--- more_headers
Origin: https://evil.example
Access-Control-Request-Method: PUT
--- refused: 403
--- response_headers eval: $main::Nothing
--- response_body:



=== scripts get 401, and everybody else the redirect
--- config eval: main::guarded()
--- request eval
[ "GET /media/a.txt", "HEAD /media/a.txt", ("GET /media/a.txt") x 9 ]
--- more_headers eval
[ "", "", (map { "Sec-Fetch-Mode: $_" } qw(navigate no-cors same-origin websocket CORS), ""), "Sec-Fetch-Mode: navigate\n$main::Origin", "Sec-Fetch-Mode: no-cors\n$main::Origin", "Sec-Fetch-Mode: cors\nSec-Fetch-Mode: cors" ]
--- error_code eval: [ (302) x 11 ]
--- response_headers eval: [ ("Location: https://www.example.com/media/a.txt\n! Crossdomain-Media-Location\n! WWW-Authenticate\nCache-Control: no-store\nVary: Origin, Sec-Fetch-Mode") x 11 ]



=== what makes a script: its mode, an origin where there is no mode, its method
--- config eval: main::guarded()
--- request eval
[ ("GET /media/a.txt") x 6, map { "$_ /media/a.txt" } qw(HEAD POST PUT DELETE PATCH PROPFIND POST) ]
--- more_headers eval
[ "Sec-Fetch-Mode: cors", "Sec-Fetch-Mode: cors\n$main::Origin", "SEC-FETCH-MODE: cors\nSec-Fetch-Site: same-origin", $main::Origin, "Origin: https://evil.example", "Origin: null", "Sec-Fetch-Mode: cors", ("") x 5, "Sec-Fetch-Mode: navigate\n$main::Origin" ]
--- unauthorized eval: [ ("missing no_token https://www.example.com/media/a.txt") x 13 ]
--- response_headers eval
[ map { "Vary: Origin, Sec-Fetch-Mode\n" . ($_ ? $main::Allowed : $main::Nothing) } 0, 1, 0, 1, 0, 0, 0, (0) x 5, 1 ]



=== a script is told what Location would say
--- config eval: main::everywhere()
--- pipelined_requests eval: main::asks(@main::Targets)
--- more_headers
Sec-Fetch-Mode: cors
--- unauthorized eval: main::told(@main::Targets)



=== and that is what Location says
--- config eval: main::everywhere()
--- pipelined_requests eval: main::asks(@main::Targets)
--- error_code eval: [ (302) x @main::Targets ]
--- response_headers eval: [ map { "Location: $_" } main::destinations(@main::Targets) ]



=== no request chooses where a script goes
--- config eval: main::everywhere()
--- pipelined_requests eval: main::asks(@main::Attempts)
--- more_headers
Sec-Fetch-Mode: cors
X-Forwarded-Host: evil.example
--- unauthorized eval: main::told(@main::Attempts)



=== nor does its Host
--- config eval: main::everywhere()
--- request
GET /media/a.txt
--- more_headers
Host: evil.example
Sec-Fetch-Mode: cors
--- unauthorized: missing no_token https://www.example.com/media/a.txt
--- raw_response_headers_unlike: evil



=== a URL of its own, which names the way back, for scripts
--- config eval: main::guarded("crossdomain_media_public_url https://media.example.org;") =~ s{crossdomain_media \Khttps://www.example.com}{https://www.example.com/login?next=\$crossdomain_media_return_url}r
--- request
GET /media/a.txt?x="1"
--- more_headers
Sec-Fetch-Mode: cors
--- unauthorized: missing no_token https://www.example.com/login?next=https%3A%2F%2Fmedia.example.org%2Fmedia%2Fa.txt%3Fx%3D%221%22



=== each status has its challenge, reason and redirect
--- config eval: main::everywhere()
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt", at => -5000), "GET /media/a.txt?token=x", "GET /media/a.txt?" . token_arg("/media/b.txt") ]
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- unauthorized eval: [ map { "$_ https://www.example.com/media/a.txt" } "missing no_token", "expired token_expired", "invalid token_malformed", "invalid bad_signature" ]
--- response_headers eval: [ ($main::Allowed) x 4 ]



=== the redirect's code is not that of scripts
--- config eval: main::guarded("crossdomain_media_redirect_code 308;")
--- request eval: [ ("POST /media/a.txt") x 2 ]
--- more_headers eval: "Sec-Fetch-Mode: cors"
--- unauthorized eval: [ ("missing no_token https://www.example.com/media/a.txt") x 2 ]



=== the refusal of a script is logged as any other, and its status too
--- config eval: main::guarded("access_log logs/access.log;")
--- request
GET /media/a.txt?x=1
--- more_headers
Sec-Fetch-Mode: cors
--- unauthorized: missing no_token https://www.example.com/media/a.txt?x=1
--- access_log eval: qr{"GET /media/a\.txt\?x=1 HTTP/1\.1" 401 \d}
--- error_log
crossdomain_media: missing, reason: no_token, uri: "/media/a.txt?x=1"



=== a script whose token holds is served, and may read what players need
--- config eval: main::guarded()
--- request eval: "GET " . signed("/media/a.txt")
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- granted
--- response_headers eval: "${main::Allowed}Vary: Origin, Sec-Fetch-Mode\n! Crossdomain-Media-Location\n! WWW-Authenticate"



=== so are ranges, what is not modified, and what is not there
--- config eval: main::guarded()
--- user_files
>>> media/a.txt 201501010000.00
private
--- request eval: [ ("GET " . signed("/media/a.txt")) x 3, "GET " . signed("/media/none"), "HEAD " . signed("/media/a.txt") ]
--- more_headers eval: [ map { "$main::Origin\nSec-Fetch-Mode: cors\n$_" } "Range: bytes=0-3", "Range: bytes=100-", "If-Modified-Since: Thu, 01 Jan 2015 00:00:00 GMT", "", "" ]
--- error_code eval: [ 206, 416, 304, 404, 200 ]
--- response_headers eval: [ ($main::Allowed) x 5 ]



=== other actions keep their status, which scripts may read
--- config eval
join "", map { my ($name, $action) = @$_; "location /$name/ { " . main::guard("crossdomain_media_on missing expired invalid $action;") . " }" }
    [ media => 403 ], [ other => 404 ], [ a => 401 ], [ b => 410 ], [ c => 503 ]
--- request eval: [ map { "GET /$_/a.txt" } qw(media other a b c) ]
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- error_code eval: [ 403, 404, 401, 410, 503 ]
--- response_headers eval: [ ("${main::Allowed}! Crossdomain-Media-Location\n! WWW-Authenticate\n! Location\nContent-Type: text/html\nCache-Control: no-store\nVary: Origin, Sec-Fetch-Mode") x 5 ]



=== a location that a refusal is handed over to speaks for itself
--- http_config eval: $main::Elsewhere
--- config eval: main::guarded("crossdomain_media_on missing \@application;") . "location \@application { $main::Proxy }"
--- request
GET /media/a.txt
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- error_code: 200
--- response_headers
Access-Control-Allow-Origin: https://elsewhere.example
Access-Control-Allow-Credentials: false
Access-Control-Expose-Headers: X-Own
Access-Control-Allow-Private-Network: true
--- response_body
private



=== but a preflight is answered before
--- http_config eval: $main::Elsewhere
--- config eval: main::guarded("crossdomain_media_on missing \@application;") . "location \@application { $main::Proxy }"
--- request
OPTIONS /media/a.txt
--- more_headers eval: $main::Preflight
--- error_code: 204
--- response_headers eval: main::answers("PUT")



=== and where the token holds, the answer is the guard's
--- http_config eval: $main::Elsewhere
--- config eval: main::guarded("crossdomain_media_on missing \@application;") . "location \@application { $main::Proxy }"
--- request eval: "GET " . signed("/media/a.txt")
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- granted
--- response_headers eval: $main::Allowed



=== only origins that are named may send credentials
--- config eval: main::guarded("", 'https://www.example.com http://localhost:8080 * null')
--- request eval: [ ("GET " . signed("/media/a.txt")) x 9 ]
--- more_headers eval
[ map { "Origin: $_\nSec-Fetch-Mode: cors" } "https://www.example.com", "http://localhost:8080", "null", "https://evil.example", "http://localhost", "https://www.example.com.evil.example", "https://www.example.com/", "Null", "*" ]
--- error_code eval: [ (200) x 9 ]
--- response_headers eval
[ map { main::allows($_, $main::Exposed) } "https://www.example.com", "http://localhost:8080", "null", ("*") x 6 ]



=== preflights of those without credentials
--- config eval: main::guarded("", 'https://www.example.com * null')
--- request eval: [ ("OPTIONS /media/a.txt") x 3 ]
--- more_headers eval: [ map { "Origin: $_\nAccess-Control-Request-Method: GET" } "https://www.example.com", "null", "https://evil.example" ]
--- error_code eval: [ (204) x 3 ]
--- response_headers eval: [ map { main::allows($_, "Access-Control-Allow-Methods: GET") } "https://www.example.com", "null", "*" ]



=== without them, none but those that are named
--- config eval: main::guarded("", 'https://www.example.com http://localhost:8080')
--- request eval: [ ("GET " . signed("/media/a.txt")) x 7 ]
--- more_headers eval
[ map { "Origin: $_\nSec-Fetch-Mode: cors" } "null", "*", "", "https://evil.example", "https://www.example.comx", "http://localhost:8081", "https://www.example.com, https://www.example.com" ]
--- error_code eval: [ (200) x 7 ]
--- response_headers eval: [ ("${main::Nothing}Vary: Origin, Sec-Fetch-Mode") x 7 ]



=== null alone is not for others, and * is for null too
--- config eval: "location /media/ { " . main::guard("", "null") . " } location /other/ { " . main::guard("", "*") . " }"
--- request eval: [ ("GET " . signed("/media/a.txt")) x 2, "GET " . signed("/other/a.txt") ]
--- more_headers eval: [ map { "Origin: $_" } "https://evil.example", "null", "null" ]
--- error_code eval: [ (200) x 3 ]
--- response_headers eval: [ $main::Nothing, main::allows("null"), main::allows("*") ]



=== a request without Origin is told nothing
--- config eval: main::guarded("", '*')
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- response_headers eval: "${main::Nothing}Vary: Origin, Sec-Fetch-Mode"



=== what others say to other origins is replaced
--- config eval
main::guarded('add_header Access-Control-Allow-Origin * always; add_header ACCESS-CONTROL-ALLOW-CREDENTIALS false always;
add_header access-control-expose-headers X-Own always; add_header Access-Control-Allow-Private-Network true always; add_header X-Access-Control-Own kept always;')
--- request eval: [ "GET " . signed("/media/a.txt"), "GET /media/a.txt", "GET /media/a.txt?token=x", "OPTIONS /media/a.txt" ]
--- more_headers eval: [ ("$main::Origin\nSec-Fetch-Mode: cors") x 3, $main::Preflight ]
--- error_code eval: [ 200, 401, 403, 204 ]
--- response_headers eval
[ ("${main::Allowed}! Access-Control-Allow-Private-Network\nX-Access-Control-Own: kept") x 3, main::answers("PUT") . "! Access-Control-Allow-Private-Network\nX-Access-Control-Own: kept" ]



=== an upstream's too
--- http_config eval: $main::Elsewhere
--- config eval: main::guarded($main::Proxy)
--- request eval: [ "GET " . signed("/media/a.txt"), "GET " . signed("/media/none") ]
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- error_code eval: [ 200, 404 ]
--- response_headers eval: [ ("${main::Allowed}! Access-Control-Allow-Private-Network\nVary: Accept-Language, Origin, Sec-Fetch-Mode") x 2 ]



=== a refused preflight is told nothing by others either
--- config eval: main::guarded('add_header Access-Control-Allow-Origin * always; add_header Access-Control-Allow-Methods * always;')
--- request
OPTIONS /media/a.txt
--- more_headers
Origin: https://evil.example
Access-Control-Request-Method: PUT
--- refused: 403
--- response_headers eval: $main::Nothing



=== Vary names what was looked at, beside what others vary by
--- http_config eval: $main::Elsewhere
--- config eval: main::guarded("crossdomain_media_token arg:token cookie:media header:Authorization header:X-Token; $main::Proxy")
--- request eval: [ "GET " . signed("/media/a.txt"), "GET /media/a.txt", "GET /media/a.txt", "OPTIONS /media/a.txt" ]
--- more_headers eval: [ "", "", $main::Origin, $main::Preflight ]
--- error_code eval: [ 200, 302, 401, 204 ]
--- response_headers eval
[ map { "Vary: $_" } "Accept-Language, Cookie, Authorization, X-Token, Origin, Sec-Fetch-Mode", ("Cookie, Authorization, X-Token, Origin, Sec-Fetch-Mode") x 3 ]



=== Vary after an internal redirect names what either location looked at
--- config eval
main::guarded("crossdomain_media_token cookie:media arg:token; try_files \$uri /other/a.txt;") . "
location /other/ { crossdomain_media https://www.example.com; crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key; }"
--- request eval: "GET " . signed("/media/none")
--- error_code: 200
--- response_headers
Vary: Cookie, Origin, Sec-Fetch-Mode
--- response_body
private other



=== without the directive nothing changes: the redirect of a script
--- request eval: [ "GET /media/a.txt", "POST /media/a.txt", "OPTIONS /media/a.txt" ]
--- more_headers eval: [ ("$main::Origin\nSec-Fetch-Mode: cors") x 2, $main::Preflight ]
--- error_code eval: [ (302) x 3 ]
--- raw_response_headers_like eval
[ (main::only("Server", "Date", "Content-Type: text/html", "Content-Length", "Connection: close", "Location: https://www.example.com/media/a.txt", "Cache-Control: no-store", "Referrer-Policy: no-referrer")) x 3 ]



=== without the directive nothing changes: a grant
--- config eval
"location /media/ { crossdomain_media https://www.example.com; crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key; add_header Access-Control-Allow-Origin *; location /media/dir/ { " . main::guard("crossdomain_media_cors off;", "https://www.example.com") =~ s/crossdomain_media_cors https:\S+;//r . " } }"
--- request eval: [ "GET " . signed("/media/a.txt"), "GET " . signed("/media/dir/x.txt") ]
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- error_code eval: [ 200, 200 ]
--- raw_response_headers_like eval
[ main::only("Server", "Date", "Content-Type: text/plain", "Content-Length: 8", "Last-Modified", "Connection: close", "ETag", "Access-Control-Allow-Origin: *", "Referrer-Policy: no-referrer", "Accept-Ranges: bytes"),
  main::only("Server", "Date", "Content-Type: text/plain", "Content-Length: 10", "Last-Modified", "Connection: close", "ETag", "Access-Control-Allow-Origin: *", "Referrer-Policy: no-referrer", "Accept-Ranges: bytes") ]



=== without the directive nothing changes: a refusal, and an OPTIONS with a token
--- request eval: [ "GET /media/a.txt?token=x", "OPTIONS " . signed("/media/a.txt") ]
--- more_headers eval: [ "$main::Origin\nSec-Fetch-Mode: cors", $main::Preflight ]
--- error_code eval: [ 403, 405 ]
--- raw_response_headers_like eval
[ map { main::only("Server", "Date", "Content-Type: text/html", "Content-Length", "Connection: close", @$_, "Referrer-Policy: no-referrer") } [ "Cache-Control: no-store" ], [] ]



=== with the directive a request of no script has one header more
--- config eval: main::guarded()
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 302, 200 ]
--- raw_response_headers_like eval
[ main::only("Server", "Date", "Content-Type: text/html", "Content-Length", "Connection: close", "Location: https://www.example.com/media/a.txt", "Cache-Control: no-store", "Vary: Origin, Sec-Fetch-Mode", "Referrer-Policy: no-referrer"),
  main::only("Server", "Date", "Content-Type: text/plain", "Content-Length: 8", "Last-Modified", "Connection: close", "ETag", "Vary: Origin, Sec-Fetch-Mode", "Referrer-Policy: no-referrer", "Accept-Ranges: bytes") ]



=== no error_page takes the place of what a script is told
--- config eval: main::guard("error_page 401 403 /denied.html; error_page 302 =200 /denied.html;") . " location /media/ { }"
--- request
GET /media/a.txt
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- unauthorized: missing no_token https://www.example.com/media/a.txt
--- response_headers eval: $main::Allowed



=== but of another action's answer, which scripts may read
--- config eval: main::guard("error_page 401 403 /denied.html; crossdomain_media_on missing 401;") . " location /media/ { }"
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=x" ]
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- error_code eval: [ 401, 403 ]
--- response_headers eval: [ ("${main::Allowed}! Crossdomain-Media-Location\nCache-Control: no-store\nVary: Origin, Sec-Fetch-Mode") x 2 ]
--- response_body eval: [ ("sorry\n") x 2 ]



=== a script that an error page leads to a guarded location is told there
--- config eval: "location /open/ { error_page 404 /media/a.txt; } " . main::guarded()
--- request eval: [ "GET /open/none", "GET /open/none" ]
--- more_headers eval: [ "", "Sec-Fetch-Mode: cors" ]
--- error_code eval: [ 302, 401 ]
--- response_headers eval: [ "Location: https://www.example.com/open/none", "Crossdomain-Media-Location: https://www.example.com/open/none" ]



=== auth_basic, satisfy any: without either a script is told where to get a token
--- config eval: main::guarded("satisfy any; auth_basic realm; auth_basic_user_file passwd;")
--- user_files eval: \@main::Files
--- request
GET /media/a.txt
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- unauthorized: missing no_token https://www.example.com/media/a.txt
--- response_headers eval: $main::Allowed



=== auth_basic, satisfy any: the password is enough
--- config eval: main::guarded("satisfy any; auth_basic realm; auth_basic_user_file passwd;")
--- user_files eval: \@main::Files
--- request
GET /media/a.txt
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors\nAuthorization: Basic dXNlcjpzZWNyZXQ="
--- error_code: 200
--- response_headers eval: "${main::Allowed}! WWW-Authenticate\n! Crossdomain-Media-Location"
--- response_body
private



=== auth_basic, satisfy all: what it refuses is its own answer, which scripts may read
--- config eval: main::guarded("auth_basic realm; auth_basic_user_file passwd;")
--- user_files eval: \@main::Files
--- request
GET /media/a.txt
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- error_code: 401
--- response_headers eval: qq(${main::Allowed}WWW-Authenticate: Basic realm="realm"\n! Crossdomain-Media-Location\nContent-Type: text/html)
--- response_body_like: 401 Authorization Required



=== deny, satisfy all
--- config eval: main::guarded("deny all;")
--- request
GET /media/a.txt
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- error_code: 403
--- response_headers eval: "${main::Allowed}! Crossdomain-Media-Location\n! WWW-Authenticate"
--- response_body_like: 403 Forbidden



=== deny, satisfy any
--- config eval: main::guarded("satisfy any; deny all;")
--- request
GET /media/a.txt
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- unauthorized: missing no_token https://www.example.com/media/a.txt
--- response_headers eval: $main::Allowed



=== auth_request, satisfy any
--- config eval: main::guarded("satisfy any; auth_request /who;") . "location = /who { internal; return 401; }"
--- request
GET /media/a.txt
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- unauthorized: missing no_token https://www.example.com/media/a.txt
--- response_headers eval: $main::Allowed



=== a body does not end the connection: short, in chunks, none of it
--- config eval: main::guarded()
--- pipelined_requests eval
[ "POST /media/a.txt\na=1&b=2", "PUT /media/a.txt\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Trailer: a\r\n\r\n", "POST /media/a.txt\n0\r\n\r\n", "DELETE /media/a.txt", "GET " . signed("/media/a.txt") ]
--- more_headers eval: [ "Sec-Fetch-Mode: cors", ("Transfer-Encoding: chunked") x 2, "", "" ]
--- error_code eval: [ (401) x 4, 200 ]
--- response_headers eval: [ ("Connection: keep-alive\nCrossdomain-Media-Location: https://www.example.com/media/a.txt") x 4, "! Crossdomain-Media-Location" ]
--- response_body eval: [ (qr/\A\{"status":"missing",.*\}\n\z/) x 4, "private\n" ]



=== a body does not end the connection: a large one
--- config eval: main::guarded()
--- pipelined_requests eval
[ "POST /media/a.txt\n" . "x" x 700_000, "POST /media/a.txt\n" . join("", ("1000\r\n" . "x" x 4096 . "\r\n") x 100, "0\r\n\r\n"), "GET " . signed("/media/a.txt") ]
--- more_headers eval: [ "", "Transfer-Encoding: chunked", "" ]
--- error_code eval: [ 401, 401, 200 ]
--- response_headers eval: [ ("Crossdomain-Media-Location: https://www.example.com/media/a.txt") x 2, "! Crossdomain-Media-Location" ]
--- response_body eval: [ (qr/\A\{"status":"missing",.*\}\n\z/) x 2, "private\n" ]



=== a preflight with a body does not end the connection either
--- config eval: main::guarded()
--- pipelined_requests eval: [ "OPTIONS /media/a.txt\nabc", "GET " . signed("/media/a.txt") ]
--- more_headers eval: [ $main::Preflight =~ s/www/evil/r, "" ]
--- error_code eval: [ 403, 200 ]
--- response_body eval: [ "", "private\n" ]



=== nor one that is answered
--- config eval: main::guarded()
--- raw_request eval
"OPTIONS /media/a.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n" . join("", map { "$_\r\n" } split /\n/, $main::Preflight) . "\r\nabc" . raw_get(signed("/media/a.txt"))
--- error_code: 204
--- response_headers
Connection: keep-alive
--- response_body_like: ^HTTP/1\.1 200 OK\r\n.*\r\n\r\nprivate\n$



=== a body that is none is answered 400
--- config eval: main::guarded()
--- request eval: "POST /media/a.txt\nnonsense"
--- more_headers
Transfer-Encoding: chunked
--- error_code: 400



=== HEAD has the headers and no body
--- config eval: main::guarded()
--- request
HEAD /media/a.txt
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- unauthorized: missing no_token https://www.example.com/media/a.txt
--- response_headers eval: "${main::Allowed}Content-Length: " . length qq({"status":"missing","reason":"no_token","location":"https://www.example.com/media/a.txt"}\n)



=== no cache keeps what a script is told, whatever the location says of its files
--- config eval: main::guarded('expires 1h; add_header Cache-Control public always; add_header CDN-Cache-Control max-age=60 always;')
--- request eval: [ "GET /media/a.txt", "OPTIONS /media/a.txt" ]
--- more_headers eval: [ "Sec-Fetch-Mode: cors", $main::Preflight ]
--- error_code eval: [ 401, 204 ]
--- response_headers eval: [ ("Cache-Control: no-store\n! Expires\n! CDN-Cache-Control") x 2 ]



=== add_header without always is not for what a script is told
--- config eval: main::guarded("add_header X-Own a; add_header X-Always b always;")
--- request
GET /media/a.txt
--- more_headers
Sec-Fetch-Mode: cors
--- unauthorized: missing no_token https://www.example.com/media/a.txt
--- response_headers
! X-Own
X-Always: b



=== no subrequest answers a script, or the page that includes would be its answer
--- config eval: main::guarded() . "location /open/ { ssi on; ssi_types *; }"
--- user_files eval: [ [ "media/a.txt", "private\n" ], [ "open/page", q(<!--# include virtual="/media/a.txt" -->) ] ]
--- request eval: [ "GET /open/page", "GET /media/a.txt" ]
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- error_code eval: [ 200, 401 ]
--- response_headers eval: [ "$main::Nothing! Vary\n! Crossdomain-Media-Location", $main::Allowed ]
--- response_body_like eval: [ "^private\n\$", "^\\{" ]



=== what a guarded page includes adds nothing to its headers
--- config eval: main::guarded("ssi on; ssi_types *;")
--- user_files eval: [ [ "media/a.txt", "private\n" ], [ "media/page", q(<!--# include virtual="/media/a.txt" -->) ] ]
--- request eval: "GET " . signed("/media/page")
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- error_code: 200
--- response_headers eval: "${main::Allowed}Vary: Origin, Sec-Fetch-Mode"
--- response_body
private



=== auth_request to a guarded location sees no script
--- config eval: main::guarded("auth_request /auth/a.txt;") . "location /auth/ { " . main::guard() . " }"
--- user_files eval: [ [ "media/a.txt", "private\n" ], [ "auth/a.txt", "yes\n" ] ]
--- request eval: [ "GET " . signed("/media/a.txt"), "GET /media/a.txt" ]
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- error_code eval: [ 200, 401 ]
--- response_headers eval: [ $main::Allowed, "Crossdomain-Media-Location: https://www.example.com/media/a.txt" ]



=== a location that cannot decide says so to scripts too
--- config eval: "set \$application nonsense; " . main::guarded() =~ s/crossdomain_media \K\S+(?=;)/\$application/r
--- request eval: [ "GET /media/a.txt", "OPTIONS /media/a.txt" ]
--- more_headers eval: [ "$main::Origin\nSec-Fetch-Mode: cors", $main::Preflight ]
--- error_code eval: [ 500, 204 ]
--- response_headers eval: [ $main::Allowed, main::answers("PUT") ]



=== inheritance: from http, server and location, and a level's own replaces all
--- http_config
    crossdomain_media_cors https://a.example https://b.example;
--- config
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    location /media/ {
        location /media/dir/ {
            crossdomain_media_cors https://c.example;
            location /media/dir/sub/ { }
        }
    }
    location /other/ { crossdomain_media_cors off; }
--- request eval: [ map { my $path = $_; map { "OPTIONS $path" } 1 .. 3 } "/media/a.txt", "/media/dir/x.txt", "/media/dir/sub/y.txt", "/other/a.txt" ]
--- more_headers eval: [ (map { "Origin: https://$_.example\nAccess-Control-Request-Method: GET" } qw(a b c)) x 4 ]
--- error_code eval: [ 204, 204, 403, 403, 403, 204, 403, 403, 204, (302) x 3 ]



=== off, over what a server has
--- config eval: "crossdomain_media_cors *; location /media/ { " . main::guard("", "off") . " }"
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt") ]
--- more_headers eval: "$main::Origin\nSec-Fetch-Mode: cors"
--- error_code eval: [ 302, 200 ]
--- response_headers eval: [ ("$main::Nothing! Vary") x 2 ]



=== where nothing is guarded it does nothing
--- config eval: "crossdomain_media_cors $main::Url; location /open/ { } location /media/ { " . main::guard() =~ s/crossdomain_media_cors .*//r . " }"
--- request eval: [ "GET /open/a.txt", "OPTIONS /open/a.txt", "OPTIONS /media/a.txt" ]
--- more_headers eval: $main::Preflight
--- error_code eval: [ 200, 405, 204 ]
--- response_headers eval: [ ("$main::Nothing! Vary") x 2, main::answers("PUT") ]



=== no value
--- config eval: main::guarded("", "")
--- must_die
--- error_log
invalid number of arguments in "crossdomain_media_cors" directive



=== an origin is spelled as browsers do: case
--- config eval: main::guarded("", "https://WWW.example.com")
--- must_die
--- error_log
crossdomain_media_cors: https://WWW.example.com: a browser writes "https://www.example.com" in



=== an origin is spelled as browsers do: the usual port
--- config eval: main::guarded("", "https://a.example http://b.example:80")
--- must_die
--- error_log
crossdomain_media_cors: http://b.example:80: a browser writes "http://b.example" in



=== an origin has no path
--- config eval: main::guarded("", "https://www.example.com/")
--- must_die
--- error_log
crossdomain_media_cors: https://www.example.com/: expected only scheme, host and port, without a path, or "*", or "null" in



=== an origin has a scheme
--- config eval: main::guarded("", "www.example.com")
--- must_die
--- error_log
crossdomain_media_cors: www.example.com: expected a URL that starts with http:// or https://, or "*", or "null" in



=== an origin is no pattern
--- config eval: main::guarded("", "https://*.example.com")
--- must_die
--- error_log
crossdomain_media_cors: https://*.example.com: expected a host name or address, and perhaps a port, after the scheme, or "*", or "null" in



=== an origin is no variable
--- config eval: main::guarded("", q('$http_origin'))
--- must_die
--- error_log
crossdomain_media_cors: $http_origin: expected a URL that starts with http:// or https://, or "*", or "null" in



=== null is written so
--- config eval: main::guarded("", "Null")
--- must_die
--- error_log
crossdomain_media_cors: Null: expected a URL that starts with http:// or https://, or "*", or "null" in



=== nothing is no origin
--- config eval: main::guarded("", q(""))
--- must_die
--- error_log
crossdomain_media_cors: : expected a URL that starts with http:// or https://, or "*", or "null" in



=== off stands alone
--- config eval: main::guarded("", "off https://www.example.com")
--- must_die
--- error_log
crossdomain_media_cors: off: expected a URL that starts with http:// or https://, or "*", or "null" in



=== an origin twice
--- config eval: main::guarded("", "https://a.example https://a.example")
--- must_die
--- error_log
crossdomain_media_cors: https://a.example: is given twice in



=== any twice
--- config eval: main::guarded("", "* *")
--- must_die
--- error_log
crossdomain_media_cors: *: is given twice in



=== null twice
--- config eval: main::guarded("", "null * null")
--- must_die
--- error_log
crossdomain_media_cors: null: is given twice in



=== the directive twice
--- config eval: main::guarded("crossdomain_media_cors off;")
--- must_die
--- error_log
"crossdomain_media_cors" directive is duplicate



=== not in an if block
--- config
    location /media/ { if ($arg_x) { crossdomain_media_cors *; } }
--- must_die
--- error_log
"crossdomain_media_cors" directive is not allowed here

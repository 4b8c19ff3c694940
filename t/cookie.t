# Grants that are handed over to a cookie: which ones, what the cookie says and grants, and who never sees it.
use v5.20;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;
use Jwt;
use CloudFront;
use HandOver;

# A guard that hands grants over, with these parameters; with more directives, and other keys than the application's.
sub guard {
    my ($cookie, $more, $keys) = @_;
    $more //= '';
    $keys //= 'crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt id=app;';
    my $mint = $cookie =~ /max_age/ ? 'crossdomain_media_key $TEST_NGINX_JWT_DIR/mint.key format=jwt use=mint id=mint;' : '';
    return <<"CONFIG";
        crossdomain_media https://www.example.com;
        crossdomain_media_public_url https://media.example.org;
        $keys
        $mint
        crossdomain_media_cookie $cookie;
        add_header X-Reason \$crossdomain_media_reason always;
        add_header X-Subject "\$crossdomain_media_subject." always;
        $more
CONFIG
}

sub guarded { return 'location / { ' . guard(@_) . ' }' }

our $Django = 'crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key signs=parent id=django; crossdomain_media_max_age 100000s;';
our $CloudFront = 'crossdomain_media_key $TEST_NGINX_JWT_DIR/rsa.pub.pem format=cloudfront id=KRSA;';

our $Guarded = guarded('media');
our $Minting = guarded('media max_age=2h');

# The same behind a front that asks twice: first for the target in the header First, then for its own with the cookie
# that came of that. In the folder /told/ it shows that cookie instead.
sub twice {
    return <<"HTTP", <<'CONFIG';
    map \$given \$handed { "~^(?<pair>[^;]+)" \$pair; }
    server { listen \$TEST_NGINX_UPSTREAM; root html; @_ }
    server { listen \$TEST_NGINX_UPSTREAM.told; location / { return 200 \$http_given; } }
HTTP
    location / {
        auth_request /first;
        auth_request_set $given $upstream_http_set_cookie;
        proxy_set_header Cookie $handed;
        proxy_pass http://$TEST_NGINX_UPSTREAM;
        location /told/ {
            proxy_set_header Given $given;
            proxy_pass http://$TEST_NGINX_UPSTREAM.told;
        }
    }
    location = /first { internal; proxy_pass http://$TEST_NGINX_UPSTREAM:$http_first; }
CONFIG
}

# Both sections, since a block names them apart.
sub http_of { return (twice(@_))[0] }
our $Front = (twice(''))[1];

# What reached it.
our $Upstream = <<'CONFIG';
    server {
        listen $TEST_NGINX_UPSTREAM;
        add_header X-Seen "$request_uri|$http_cookie|$cookie_a|$cookie_media";
        location / { root html; }
    }
CONFIG
our $Proxy = 'proxy_pass http://$TEST_NGINX_UPSTREAM;';

# Ends far enough for any machine, and so does what is left of it.
our $End = $HandOver::Start + 100_000;
our $Left = '(?:9[0-9]{4}|100000)';
our $Wide = jwt({ path => '/media/*', exp => $End });
our $Expired = jwt({ path => '/media/*', exp => $HandOver::Start - 3600 });
our $Url = "/media/a.txt?token=$Wide";

# What the response of a grant looks like that is handed over: name and value, path, and what follows the life.
sub handed {
    my ($pair, $path, $attributes) = @_;
    $path //= '/media/';
    $attributes //= 'HttpOnly; SameSite=None; Secure';
    my @pairs = ref $pair ? @$pair : $pair // "__Secure-media=$Wide";
    my $set = join ', ', map { "\Q$_; Path=$path; Max-Age=\E$Left; $attributes" } @pairs;
    return "Set-Cookie: $set\nX-Reason: valid\nCache-Control: private\nVary: Cookie\nReferrer-Policy: no-referrer";
}

# What that of a grant without a cookie looks like.
our $Kept = "! Set-Cookie\n! Cache-Control\nVary: Cookie";

# Requests with a Cookie line each.
sub cookies { return [ map { "Cookie: $_" } @_ ] }

# The cookie with minted tokens of these claims and options.
sub minted_cookies { return cookies(map { '__Secure-media=' . minted(@$_) } @_) }

# Requests for targets without a token.
sub asks { return [ map { "GET $_" } @_ ] }

# A minted token whose chain began so long ago, and which is in the last half of its life.
our $Half_gone = $HandOver::Start + 1200;

key_pair($_) for qw(rsa ec);
Jwt::write_key('short.secret', 'x' x 31);
Jwt::run("openssl req -x509 -key $ENV{TEST_NGINX_JWT_DIR}/rsa.pem -subj /CN=media.example.org -days 2 -out $ENV{TEST_NGINX_JWT_DIR}/tls.pem");

# Newer ones take no such Host at all.
our $Odd_host = $ENV{TEST_NGINX_VERSION_NUM} < 1_029_000 ? 200 : 400;

run_tests();

__DATA__

=== a JWT for a folder: the file is served at once, and the cookie holds the token
--- config eval: $main::Guarded
--- request eval: "GET $main::Url"
--- granted
--- response_headers_like eval: main::handed()
--- no_error_log eval: $Media::Logged



=== the path is the folder that the token names, not that of the file
--- config eval: $main::Guarded
--- request eval: [ map { "GET /media/dir/x.txt?token=" . jwt({ path => $_, exp => $main::End }) } "/*", "/media/*", "/media/dir/*" ]
--- response_body eval: [ ("private x\n") x 3 ]
--- response_headers_like eval
[ map { main::handed("__Secure-media=" . jwt({ path => "$_*", exp => $main::End }), $_) } "/", "/media/", "/media/dir/" ]



=== of several folders, the longest that covers the file
--- config eval: $main::Guarded
--- request eval: [ map { "GET /media/dir/x.txt?token=" . jwt({ path => $_, exp => $main::End }) } [ "/media/dir/*", "/*", "/media/dir/sub/*" ], [ "/other/*", "/media/*", "/media/dir/x.txt" ] ]
--- response_headers_like eval
[ main::handed("__Secure-media=" . jwt({ path => [ "/media/dir/*", "/*", "/media/dir/sub/*" ], exp => $main::End }), "/media/dir/"),
  main::handed("__Secure-media=" . jwt({ path => [ "/other/*", "/media/*", "/media/dir/x.txt" ], exp => $main::End }), "/media/") ]
--- response_body eval: [ ("private x\n") x 2 ]



=== the folder's own URL
--- config eval: "autoindex on; $main::Guarded"
--- request eval: "GET /media/?token=$main::Wide"
--- error_code: 200
--- response_headers_like eval: main::handed()
--- response_body_like: a[.]txt



=== a token for files alone is not handed over
--- config eval: $main::Guarded
--- request eval
[ map { "GET /media/a.txt?token=" . jwt({ path => $_ }) } "/media/a.txt", [ "/media/a.txt", "/media/b.txt" ], [ "/media/a.txt", "/other/*" ], [ "/mediax/*", "/media/a.txt" ] ]
--- reasons: valid valid valid valid
--- response_headers eval: [ ($main::Kept) x 4 ]



=== Django's token for a folder, its colon escaped or not, plays its files
--- config eval: main::guarded("media", "", $main::Django)
--- request eval: my $token = token("/media", born => base62($HandOver::Start)); [ "GET /media/a.txt?token=$token", "GET /media/a.txt?token=" . percent($token), (map { "GET $_" } "/media/b.txt", "/media/b.txt", "/media/dir/x.txt") ]
--- more_headers eval: my $token = token("/media", born => base62($HandOver::Start)); [ "", "", "Cookie: __Secure-media=$token", "Cookie: __Secure-media=" . percent($token), "Cookie: __Secure-media=$token" ]
--- error_code eval: [ 200, 200, 200, 200, 403 ]
--- response_body eval: [ "private\n", "private\n", "private b\n", "private b\n", qr/403/ ]
--- response_headers_like eval
my $token = token("/media", born => base62($HandOver::Start));
[ (map { main::handed("__Secure-media=$_") } $token, percent($token)), ("Set-Cookie:\nX-Reason: valid\nCache-Control: private\nVary: Cookie") x 2, "Set-Cookie:\nX-Reason: bad_signature" ]



=== Django's token for one file is not handed over
--- config eval: main::guarded("media", "", $main::Django =~ s/signs=parent//r)
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- response_headers eval: "X-Reason: valid\n$main::Kept"



=== a URL of CloudFront's with a wildcard becomes the three cookies
--- config eval: main::guarded("media", "", $main::CloudFront)
--- request eval: [ map { "GET " . cf_url("/media/a.txt", resource => $_, end => $main::End) } "/media/*", "*" ]
--- response_body eval: [ ("private\n") x 2 ]
--- response_headers_like eval: [ map { main::handed([ split /; /, cf_cookies("", resource => $_, end => $main::End) ], /media/ ? "/media/" : "/") } "/media/*", "*" ]



=== a hash other than SHA-1 is a fourth
--- config eval: main::guarded("media", "", $main::CloudFront)
--- request eval: "GET " . cf_url("/media/a.txt", resource => "/media/*", hash => "SHA256", end => $main::End)
--- response_body
private
--- response_headers_like eval: main::handed([ split /; /, cf_cookies("", resource => "/media/*", hash => "SHA256", end => $main::End) ])



=== the path of CloudFront's cookies ends before the first wildcard
--- config eval: main::guarded("media", "", $main::CloudFront)
--- request eval: [ map { "GET " . cf_url("/media/dir/x.txt", resource => $_, end => $main::End) } "/media/d*", "/media/*/x.txt", "/media/dir/?.txt", "/*.txt", "/media/dir/*" ]
--- response_body eval: [ ("private x\n") x 5 ]
--- response_headers_like eval
my %path = ("/media/d*" => "/media/", "/media/*/x.txt" => "/media/", "/media/dir/?.txt" => "/media/dir/", "/*.txt" => "/", "/media/dir/*" => "/media/dir/");
[ map { main::handed([ split /; /, cf_cookies("", resource => $_, end => $main::End) ], $path{$_}) } "/media/d*", "/media/*/x.txt", "/media/dir/?.txt", "/*.txt", "/media/dir/*" ]



=== a URL of CloudFront's for one file is not handed over
--- config eval: main::guarded("media", "", $main::CloudFront)
--- request eval: [ map { "GET $_" } cf_url("/media/a.txt"), cf_url("/media/a.txt", resource => "/media/a.txt") ]
--- reasons: valid valid
--- response_headers eval: [ ($main::Kept) x 2 ]



=== what came in a header, a cookie or the path stays there
--- config eval: "crossdomain_media_token arg:token header:Authorization cookie:own path:~; $main::Guarded"
--- request eval: main::asks("/media/a.txt", "/media/a.txt", "/~$main::Wide/media/a.txt", "$main::Url")
--- more_headers eval: [ "Authorization: Bearer $main::Wide", "Cookie: own=$main::Wide", "", "" ]
--- response_body eval: [ ("private\n") x 4 ]
--- response_headers_like eval: [ ("Set-Cookie:\nX-Reason: valid\nCache-Control: private") x 3, main::handed() =~ s/Vary: Cookie/Vary: Authorization, Cookie/r ]



=== what is not granted sets none
--- config eval: $main::Guarded
--- request eval: main::asks("/media/a.txt", "/media/a.txt?token=$main::Expired", "/other/a.txt?token=$main::Wide", "/media/a.txt?token=x")
--- reasons: no_token token_expired wrong_path token_malformed
--- response_headers eval: [ ("! Set-Cookie\nVary: Cookie\nCache-Control: no-store") x 4 ]



=== it lives as long as the token, to the second
--- config eval: main::guarded("media", q{add_header X-Both "$crossdomain_media_remaining|$sent_http_set_cookie";})
--- request eval: "GET $main::Url"
--- response_body
private
--- response_headers_like eval: "X-Both: ([0-9]+)[|]__Secure-media=[^;]+; Path=/media/; Max-Age=\\1; HttpOnly; SameSite=None; Secure"



=== not beyond it: leeway is no life
--- config eval: main::guarded("media", "crossdomain_media_leeway 3h;")
--- request eval: main::asks("/media/a.txt?token=$main::Expired", $main::Url)
--- response_body eval: [ ("private\n") x 2 ]
--- response_headers_like eval: [ "Set-Cookie:\nX-Reason: valid", main::handed() ]



=== SameSite
--- config eval
CORE::join "\n", map { "location ~ ^/(media)/$_- { " . main::guard("media samesite=$_") . "}" } "strict", "lax", "none"
--- user_files eval: [ map { [ "media/$_-a.txt", "private\n" ] } "strict", "lax", "none" ]
--- request eval: [ map { "GET /media/$_-a.txt?token=$main::Wide" } "strict", "lax", "none" ]
--- response_body eval: [ ("private\n") x 3 ]
--- response_headers_like eval: [ map { main::handed(undef, undef, "HttpOnly; SameSite=$_; Secure") } "Strict", "Lax", "None" ]



=== partitioned
--- config eval: main::guarded("media partitioned")
--- request eval: "GET $main::Url"
--- response_body
private
--- response_headers_like eval: main::handed(undef, undef, "HttpOnly; SameSite=None; Secure; Partitioned")



=== partitioned, and for one site
--- config eval: main::guarded("media samesite=strict partitioned")
--- request eval: "GET $main::Url"
--- response_body
private
--- response_headers_like eval: main::handed(undef, undef, "HttpOnly; SameSite=Strict; Secure; Partitioned")



=== insecure: another name, and no Secure
--- config eval: main::guarded("media insecure")
--- request eval: "GET $main::Url"
--- response_body
private
--- response_headers_like eval: main::handed("media=$main::Wide", undef, "HttpOnly; SameSite=Lax")



=== insecure, for one site
--- config eval: main::guarded("media samesite=strict insecure")
--- request eval: "GET $main::Url"
--- response_body
private
--- response_headers_like eval: main::handed("media=$main::Wide", undef, "HttpOnly; SameSite=Strict")



=== insecure: CloudFront's have their own names all the same
--- config eval: main::guarded("media insecure", "", $main::CloudFront)
--- request eval: "GET " . cf_url("/media/a.txt", resource => "/media/*", end => $main::End)
--- response_body
private
--- response_headers_like eval: main::handed([ split /; /, cf_cookies("", resource => "/media/*", end => $main::End) ], undef, "HttpOnly; SameSite=Lax")



=== the player goes on with the cookie: the folder's other files, and no others
--- http_config eval: main::http_of($main::Guarded)
--- config eval: $main::Front
--- request eval: main::asks("/media/b.txt", "/media/dir/sub/y.txt", "/media/b.txt?own=1", "/other/a.txt", "/media/")
--- more_headers eval: [ ("First: $main::Url") x 5 ]
--- error_code eval: [ 200, 200, 200, 403, 403 ]
--- response_body eval: [ "private b\n", "private y\n", "private b\n", qr/403/, qr/403 Forbidden.*nginx/s ]
--- response_headers eval: [ ("X-Reason: valid\nCache-Control: private\nVary: Cookie\n! Set-Cookie\n! Referrer-Policy") x 3, "X-Reason: wrong_path\nCache-Control: no-store\nVary: Cookie", "X-Reason: valid" ]



=== without a cookie it does not
--- http_config eval: main::http_of($main::Guarded)
--- config eval: $main::Front
--- request
GET /media/b.txt
--- more_headers eval: "First: /media/a.txt?token=" . jwt({ path => [ "/media/a.txt" ] })
--- error_code: 302
--- response_headers
X-Reason: no_token
Location: https://www.example.com/media/b.txt



=== ranges of a file
--- config eval: $main::Guarded
--- request eval: main::asks("/media/a.txt", "/media/a.txt", $main::Url)
--- more_headers eval: [ map { "Range: bytes=$_" } "0-3\nCookie: __Secure-media=$main::Wide", "4-\nCookie: __Secure-media=$main::Wide", "0-0" ]
--- error_code eval: [ 206, 206, 206 ]
--- response_body eval: [ "priv", "ate\n", "p" ]
--- response_headers_like eval: [ ("Set-Cookie:\nX-Reason: valid\nCache-Control: private") x 2, main::handed() ]



=== CloudFront's cookies go on to grant
--- config eval: main::guarded("media", "", $main::CloudFront)
--- request eval: main::asks("/media/a.txt", "/other/a.txt")
--- more_headers eval: main::cookies((cf_cookies("", resource => "/media/*", end => $main::End)) x 2)
--- reasons: valid wrong_path
--- response_headers eval: [ "! Set-Cookie\nCache-Control: private", "! Set-Cookie" ]



=== the token's other limits go with it
--- config eval: $main::Guarded
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt", "POST /media/a.txt", "GET /media/a.txt", "GET /media/a.txt" ]
--- more_headers eval
main::cookies(map { "__Secure-media=" . jwt({ path => "/media/*", @$_ }) } [ method => "GET" ], [ method => "PUT" ], [ method => "GET" ], [ ip => "192.0.2.1" ], [ nbf => $main::End ])
--- reasons: valid wrong_method wrong_method wrong_address token_not_yet_valid



=== a token that is limited is handed over all the same
--- config eval: $main::Guarded
--- request eval: [ map { "GET /media/a.txt?token=" . jwt({ path => "/media/*", exp => $main::End, @$_ }) } [ method => "GET" ], [ ip => "127.0.0.0/8" ], [ nbf => 1 ] ]
--- response_body eval: [ ("private\n") x 3 ]
--- response_headers_like eval: [ map { main::handed("__Secure-media=" . jwt({ path => "/media/*", exp => $main::End, @$_ })) } [ method => "GET" ], [ ip => "127.0.0.0/8" ], [ nbf => 1 ] ]



=== a token in the URL is looked at before the cookie, and the cookie after it
--- config eval: $main::Guarded
--- request eval: main::asks("/media/a.txt?token=$main::Expired", "/media/a.txt?token=x", "/media/a.txt?token=", $main::Url, $main::Url, "/media/a.txt?token=$main::Expired", "/media/a.txt?token=x")
--- more_headers eval
main::cookies(("__Secure-media=$main::Wide") x 3, "__Secure-media=x", "__Secure-media=$main::Expired", "__Secure-media=x", "__Secure-media=$main::Expired")
--- error_code eval: [ (200) x 5, 302, 403 ]
--- response_body eval: [ ("private\n") x 5, qr/302/, qr/403/ ]
--- response_headers_like eval
[ ("Set-Cookie:\nX-Reason: valid\nCache-Control: private\nReferrer-Policy: no-referrer") x 3, (main::handed()) x 2, "X-Reason: token_expired\nLocation: https://www[.]example[.]com/media/a[.]txt", "X-Reason: token_malformed" ]



=== an empty or another cookie
--- config eval: $main::Guarded
--- request eval: main::asks(("/media/a.txt") x 6)
--- more_headers eval: main::cookies("__Secure-media=", "__secure-media=$main::Wide", "media=$main::Wide", "__Secure-mediax=$main::Wide", "x__Secure-media=$main::Wide", "__Secure-media=x; __Secure-media=$main::Wide")
--- reasons: token_empty no_token no_token no_token no_token valid



=== other words for the folder's name: no cookie would come back
--- config eval: main::guarded("media", "", 'crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt id=app path=decoded;')
--- user_files eval: [ map { [ "$_/a.txt", "private\n" ] } "media", "a b", "\xc3\xa9", "a;b" ]
--- request eval
my @token = map { "token=" . jwt({ path => $_, exp => $main::End }) } "/media/*", "/a b/*", "/\x{e9}/*", "/a;b/*";
main::asks("/%6dedia/a.txt?$token[0]", "/a%20b/a.txt?$token[1]", "/%C3%A9/a.txt?$token[2]", "/a;b/a.txt?$token[3]", "/a%3Bb/a.txt?$token[3]", "/media/a.txt?$token[0]")
--- response_body eval: [ ("private\n") x 6 ]
--- response_headers_like eval: [ ("Set-Cookie:\nX-Reason: valid\nVary: Cookie\nCache-Control:") x 5, main::handed() ]



=== letters that are not ASCII's, as they are
--- config eval: main::guarded("media", "", 'crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt id=app path=raw;')
--- user_files eval: [ [ "\xc3\xa9/a.txt", "private\n" ] ]
--- raw_request eval: raw_get("/\xc3\xa9/a.txt?token=" . jwt({ path => "/\x{e9}/*", exp => $main::End }))
--- granted
--- response_headers eval: "X-Reason: valid\n! Set-Cookie"



=== an escaped folder, as it stands
--- config eval: $main::Guarded
--- user_files eval: [ [ "a b/a.txt", "private\n" ] ]
--- request eval: "GET /a%20b/a.txt?token=" . jwt({ path => "/a%20b/*", exp => $main::End })
--- granted
--- response_headers_like eval: main::handed("__Secure-media=" . jwt({ path => "/a%20b/*", exp => $main::End }), "/a%20b/")



=== only responses that set it are private, and what others said of shared caches goes
--- config eval: main::guarded("media", 'add_header Cache-Control "public, max-age=60, s-maxage=9"; add_header CDN-Cache-Control max-age=9;')
--- request eval: main::asks($main::Url, "/media/a.txt?token=" . jwt({ path => "/media/a.txt" }))
--- reasons: valid valid
--- response_headers eval: [ "Cache-Control: max-age=60, private\n! CDN-Cache-Control\nVary: Cookie", "Cache-Control: public, max-age=60, s-maxage=9\nCDN-Cache-Control: max-age=9\nVary: Cookie" ]



=== the cookie is the module's own: no upstream gets it
--- http_config eval: $main::Upstream
--- config eval: main::guarded("media", $main::Proxy)
--- request eval: main::asks(("/media/a.txt") x 3, "$main::Url&x=1")
--- more_headers eval: main::cookies("__Secure-media=$main::Wide", "a=1; __Secure-media=$main::Wide; b=\"2\"", "a=1;__Secure-media=$main::Wide\nCookie: __Secure-media=y;  c=3", "__Secure-media=x; a=1")
--- response_body eval: [ ("private\n") x 4 ]
--- response_headers eval: [ "X-Seen: /media/a.txt|||", "X-Seen: /media/a.txt|a=1; b=\"2\"|1|", "X-Seen: /media/a.txt|a=1; c=3|1|", "X-Seen: /media/a.txt?x=1|a=1|1|" ]



=== nor do variables show it
--- config eval: main::guarded("media insecure", 'add_header X-Cookies "$http_cookie|$cookie_media|$cookie_a";')
--- request eval: main::asks(("/media/a.txt") x 2)
--- more_headers eval: main::cookies("media=$main::Wide", "media=$main::Wide; a=1")
--- reasons: valid valid
--- response_headers eval: [ "X-Cookies: ||", "X-Cookies: a=1||1" ]



=== a variable that an earlier phase has read is read anew
--- config eval: 'if ($http_cookie = x) { return 500; } if ($cookie_media = x) { return 500; } ' . main::guarded("media insecure", 'add_header X-Cookies "$http_cookie|$cookie_media|$cookie_a";')
--- request eval: main::asks(("/media/a.txt") x 2)
--- more_headers eval: main::cookies("media=$main::Wide", "media=$main::Wide; a=1")
--- reasons: valid valid
--- response_headers eval: [ "X-Cookies: ||", "X-Cookies: a=1||1" ]



=== strip off: the upstream looks at it itself
--- http_config eval: $main::Upstream
--- config eval: main::guarded("media insecure", "$main::Proxy crossdomain_media_strip off;")
--- request
GET /media/a.txt
--- more_headers eval: "Cookie: media=$main::Wide; a=1"
--- response_body
private
--- response_headers eval: "X-Reason: valid\nX-Seen: /media/a.txt|media=$main::Wide; a=1|1|$main::Wide"



=== redirect: navigations go to the URL without the token
--- config eval: main::guarded("media redirect")
--- request eval: main::asks("$main::Url", "/media/a.txt?x=1&token=$main::Wide&y=%2f+&&z", "/media/a.txt?%74oken=$main::Wide")
--- more_headers
Sec-Fetch-Mode: navigate
--- error_code eval: [ 302, 302, 302 ]
--- response_headers_like eval
[ map { main::handed() =~ s/private/no-store/r . "\nLocation: \Qhttps://media.example.org$_\E" } "/media/a.txt", "/media/a.txt?x=1&y=%2f+&&z", "/media/a.txt" ]
--- response_body eval: [ (qr/302 Found/) x 3 ]



=== redirect: nobody else, and no other method
--- config eval: main::guarded("media redirect", "error_page 405 =200 /denied.html;") . " location = /denied.html { crossdomain_media off; add_header X-Reason \$crossdomain_media_reason; }"
--- request eval: [ (map { "GET $main::Url" } 1 .. 7), "POST $main::Url\nx" ]
--- more_headers eval: [ "", (map { "Sec-Fetch-Mode: $_" } "no-cors", "cors", "same-origin", "websocket", "Navigate", "navigate, navigate", "navigate") ]
--- response_body eval: [ ("private\n") x 7, "sorry\n" ]
--- response_headers_like eval: [ (main::handed() . "\nLocation:") x 7, "Location:\nSet-Cookie:" ]



=== what was handed over is for reading only: browsers send it from any page
--- config eval: $main::Minting
--- request eval: [ "GET /media/a.txt", "HEAD /media/a.txt", "POST /media/a.txt\nx", "PUT /media/a.txt\nx", "OPTIONS /media/a.txt", "POST $main::Url\nx" ]
--- more_headers eval: [ @{ main::minted_cookies(([ {} ]) x 5) }, "" ]
--- error_code eval: [ 200, 200, 403, 403, 403, 405 ]
--- response_headers_like eval: [ ("X-Reason: valid") x 2, ("X-Reason: wrong_method\nSet-Cookie:") x 3, "Set-Cookie:" ]



=== what was handed over is for reading only: CloudFront's cookies too
--- config eval: main::guarded("media", "", $main::CloudFront)
--- request eval: [ "GET /media/a.txt", "HEAD /media/a.txt", map { "$_ /media/a.txt\nx" } qw(POST PUT DELETE) ]
--- more_headers eval: main::cookies((cf_cookies("", resource => "/media/*", end => $main::End)) x 5)
--- error_code eval: [ 200, 200, 403, 403, 403 ]
--- response_headers_like eval: [ ("X-Reason: valid") x 2, ("X-Reason: wrong_method\nSet-Cookie:") x 3 ]



=== what was handed over is for reading only: the cookie named as a source too, and no other one
--- config eval: "crossdomain_media_token cookie:__Secure-media cookie:own; $main::Guarded"
--- request eval: [ map { "$_ /media/a.txt\nx" } qw(GET POST POST) ]
--- more_headers eval: main::cookies("__Secure-media=$main::Wide", "__Secure-media=$main::Wide", "own=$main::Wide")
--- error_code eval: [ 200, 403, 405 ]
--- response_headers_like eval: [ map { "X-Reason: $_" } qw(valid wrong_method valid) ]



=== redirect: not with a cookie that does not come along
--- config eval: main::guarded("media samesite=strict redirect")
--- must_die
--- error_log eval: qr{crossdomain_media_cookie: media: "redirect" needs another "samesite=" than strict, }



=== redirect: a wildcard is no leave for what ends a host in a URL
--- config eval: "server_name localhost *.example.org; " . main::guarded("media redirect") =~ s/crossdomain_media_public_url [^;]*;//r
--- raw_request eval
[ map { "GET $main::Url HTTP/1.1\r\nHost: $_\r\nSec-Fetch-Mode: navigate\r\nConnection: close\r\n\r\n" } "evil.example#.example.org", "evil.example?.example.org", "a.example.org" ]
--- error_code eval: [ ($main::Odd_host) x 2, 302 ]
--- response_headers_like eval: [ "Location:", "Location:", "Location: http://a[.]example[.]org:\\d+/media/a[.]txt" ]



=== redirect: HEAD navigates too
--- config eval: main::guarded("media redirect")
--- request eval: "HEAD $main::Url"
--- more_headers
Sec-Fetch-Mode: navigate
--- error_code: 302
--- response_body:
--- response_headers_like eval: main::handed() =~ s/private/no-store/r . "\nLocation: https://media[.]example[.]org/media/a[.]txt"



=== redirect: what sets no cookie is served
--- config eval: main::guarded("media redirect")
--- request eval: main::asks("/media/a.txt?token=" . jwt({ path => "/media/a.txt" }), "/media/a.txt", "/media/a.txt?x=1", "/media/a.txt?token=$main::Expired")
--- more_headers eval: [ "Sec-Fetch-Mode: navigate", map { "Sec-Fetch-Mode: navigate\nCookie: __Secure-media=$main::Wide" } 1 .. 3 ]
--- reasons: valid valid valid valid
--- response_headers eval: [ ("! Set-Cookie\n! Location") x 4 ]



=== redirect: the site is known by a name of its server, and the port is that of the connection
--- config eval: "server_name localhost a.example.net *.example.org; " . main::guarded("media redirect") =~ s/crossdomain_media_public_url [^;]*;//r
--- raw_request eval: "GET $main::Url HTTP/1.1\r\nHost: b.example.org\r\nSec-Fetch-Mode: navigate\r\nConnection: close\r\n\r\n"
--- error_code: 302
--- response_headers_like eval: main::handed() =~ s/private/no-store/r . "\nLocation: http://b[.]example[.]org:" . Test::Nginx::Util::server_port() . "/media/a[.]txt"



=== redirect: a Host that is none of its names leads nowhere
--- config eval: "server_name localhost a.example.net; " . main::guarded("media redirect") =~ s/crossdomain_media_public_url [^;]*;//r
--- raw_request eval: "GET $main::Url HTTP/1.1\r\nHost: evil.example\r\nSec-Fetch-Mode: navigate\r\nConnection: close\r\n\r\n"
--- error_code: 200
--- response_body
private
--- response_headers_like eval: main::handed() . "\nLocation:"



=== redirect: not to a host that the path looks like
--- config eval: "merge_slashes off; " . main::guarded("media redirect", "", "$main::Django $main::CloudFront crossdomain_media_key \$TEST_NGINX_JWT_DIR/hs.key format=jwt id=app;")
--- user_files eval: [ [ "evil.example/a.txt", "private\n" ] ]
--- request eval: main::asks("//evil.example/a.txt?token=" . jwt({ path => "/*" }), "//evil.example/a.txt?token=" . token("//evil.example"), "/%2fevil.example/a.txt?token=" . jwt({ path => "/*" }), "/\\evil.example/a.txt?token=" . jwt({ path => "/*" }))
--- more_headers
Sec-Fetch-Mode: navigate
--- reasons: unsafe_path unsafe_path unsafe_path unsafe_path
--- response_headers eval: [ ("! Location\n! Set-Cookie\nCache-Control: no-store") x 4 ]



=== redirect: an absolute-form target has no say in where it leads
--- config eval: main::guarded("media redirect")
--- raw_request eval: raw_get("http://evil.example$main::Url", "Sec-Fetch-Mode: navigate")
--- error_code: 302
--- response_headers_like eval: "Location: https://media[.]example[.]org/media/a[.]txt"



=== redirect: and there the cookie grants
--- http_config eval: main::http_of(main::guarded("media redirect"))
--- config eval: $main::Front
--- request
GET /media/a.txt
--- more_headers eval: "First: $main::Url"
--- error_code: 200
--- response_body
private
--- response_headers
X-Reason: valid
! Set-Cookie



=== dry run: no cookie, no redirect
--- config eval: main::guarded("media redirect", "crossdomain_media_dry_run on;")
--- request eval: main::asks($main::Url, "/media/a.txt")
--- more_headers eval: [ "Sec-Fetch-Mode: navigate", "Cookie: __Secure-media=x" ]
--- error_code eval: [ 200, 200 ]
--- response_body eval: [ ("private\n") x 2 ]
--- response_headers eval: [ "X-Reason: valid\n! Set-Cookie\n! Location\n! Cache-Control", "X-Reason: token_malformed\n! Set-Cookie" ]



=== satisfy any: whoever is let in otherwise gets none
--- config eval: "satisfy any; location /media/ { allow all; " . main::guard("media") . " } location /other/ { deny all; " . main::guard("media") . " }"
--- request eval: my $token = jwt({ path => [ "/media/*", "/other/*" ], exp => $main::End }); main::asks("/media/a.txt?token=$token", "/other/a.txt?token=$token")
--- response_body eval: [ "private\n", "private other\n" ]
--- response_headers_like eval: [ "Set-Cookie:\nX-Reason:", main::handed("__Secure-media=" . jwt({ path => [ "/media/*", "/other/*" ], exp => $main::End }), "/other/") ]



=== satisfy any: a redirect stands, whoever has refused before
--- config eval: "location / { satisfy any; deny all; auth_basic x; auth_basic_user_file /dev/null; " . main::guard("media redirect") . " }"
--- request eval: "GET $main::Url"
--- more_headers
Sec-Fetch-Mode: navigate
--- error_code: 302
--- response_headers_like eval: "Location: https://media[.]example[.]org/media/a[.]txt\nWWW-Authenticate:"



=== HEAD
--- config eval: $main::Guarded
--- request eval: [ "HEAD $main::Url", "HEAD /media/a.txt" ]
--- more_headers eval: [ "", "Cookie: __Secure-media=$main::Wide" ]
--- response_body eval: [ "", "" ]
--- error_code eval: [ 200, 200 ]
--- response_headers_like eval: [ main::handed(), "Set-Cookie:\nX-Reason: valid\nCache-Control: private\nContent-Length: 8" ]



=== HTTP/2
--- http2
--- config eval: $main::Guarded
--- request eval: "GET $main::Url"
--- response_body
private
--- response_headers_like eval: main::handed()



=== HTTP/2: the cookie
--- http2
--- http_config eval: $main::Upstream
--- config eval: main::guarded("media", $main::Proxy)
--- request
GET /media/a.txt
--- more_headers eval: "Cookie: a=1; __Secure-media=$main::Wide; b=2"
--- response_body
private
--- response_headers
X-Seen: /media/a.txt|a=1; b=2|1|



=== try_files: one cookie, of the grant that serves
--- config eval: main::guarded("media", "try_files \$uri \$uri.txt =404;")
--- request eval: "GET /media/a?token=$main::Wide"
--- response_body
private
--- response_headers_like eval: main::handed()



=== an internal redirect hands over once
--- config eval: main::guarded("media", "try_files /none /media/b.txt;") . " location = /media/b.txt { " . main::guard("media") . " }"
--- request eval: "GET $main::Url"
--- response_body
private b
--- response_headers_like eval: main::handed()



=== a folder's index hands over once
--- config eval: $main::Guarded
--- request eval: "GET /media/dir/?token=$main::Wide"
--- response_body
private index
--- response_headers_like eval: main::handed()



=== an internal redirect to where nothing is handed over keeps what was
--- config eval: main::guarded("media", "try_files /none \@open;") . " location \@open { crossdomain_media off; try_files /open/a.txt =404; }"
--- request eval: "GET $main::Url"
--- response_body
open
--- response_headers_like eval: main::handed() =~ s/X-Reason: valid\n//r



=== error_page: a missing file of the folder
--- config eval: "error_page 404 /open/a.txt; " . main::guarded("media") . " location /open/ { crossdomain_media off; }"
--- request eval: "GET /media/none.txt?token=$main::Wide"
--- error_code: 404
--- response_body
open
--- response_headers_like eval: main::handed() =~ s/X-Reason: valid\n//r



=== redirect: an error_page for it is not guarded again
--- config eval: "error_page 302 /denied.html; " . main::guarded("media redirect")
--- request eval: "GET $main::Url"
--- more_headers
Sec-Fetch-Mode: navigate
--- error_code: 302
--- response_headers_like eval: "Set-Cookie: __Secure-media=[^,]+\nLocation: https://media[.]example[.]org/media/a[.]txt\nCache-Control: no-store"



=== cookies of several folders
--- config eval: $main::Guarded
--- request eval: main::asks("/media/dir/x.txt", "/media/a.txt", "/other/a.txt", "/open/a.txt")
--- more_headers eval
my $jar = CORE::join "; ", map { "__Secure-media=" . jwt({ path => "$_*", exp => $main::End }) } "/media/dir/", "/media/", "/other/"; [ ("Cookie: $jar") x 4 ]
--- response_body eval: [ "private x\n", "private\n", "private other\n", qr/403/ ]
--- error_code eval: [ 200, 200, 200, 403 ]



=== beside four other sources
--- config eval: "crossdomain_media_token arg:a arg:b cookie:c header:d; $main::Guarded"
--- request eval: main::asks("/media/a.txt?a=x&b=x", "/media/a.txt?a=x&b=x", "/media/a.txt?a=x&b=$main::Wide")
--- more_headers eval: [ "d: x\nCookie: c=x; __Secure-media=$main::Wide", "d: x\nCookie: c=x; __Secure-media=$main::Expired", "d: x\nCookie: c=x; __Secure-media=x" ]
--- error_code eval: [ 200, 403, 200 ]
--- response_body eval: [ "private\n", qr/403/, "private\n" ]
--- response_headers_like eval: [ "Set-Cookie:\nX-Reason: valid\nVary: Cookie, d", "X-Reason: token_malformed\nSet-Cookie:", main::handed() =~ s/Vary: Cookie/Vary: Cookie, d/r ]



=== named as a source too: looked at in its place
--- config eval: "crossdomain_media_token cookie:__Secure-media arg:token; $main::Guarded"
--- request eval: main::asks("/media/a.txt", $main::Url)
--- more_headers eval: main::cookies("__Secure-media=$main::Wide", "a=1")
--- response_body eval: [ ("private\n") x 2 ]
--- response_headers_like eval: [ "Set-Cookie:\nX-Reason: valid\nVary: Cookie", main::handed() ]



=== max_age: a token of our own, for the same folder and the same subject
--- http_config eval: main::http_of($main::Minting)
--- config eval: $main::Front
--- request eval: [ ("GET /told/") x 5 ]
--- more_headers eval
[ map { my ($file, @claims) = @$_; "First: $file?token=" . jwt({ @claims }) }
  [ "/media/a.txt", path => "/media/*", sub => "ann" ], [ "/media/a.txt", path => "/media/*" ], [ "/media/dir/x.txt", path => [ "/*", "/media/*" ], sub => "" ], [ "/media/dir/x.txt", path => "/media/dir/*", sub => "a\"b\\c/\x{e9}" ], [ "/media/a.txt", path => "/*", iat => 1, jti => "x", role => "y" ] ]
--- response_body_filters eval: \&HandOver::told
--- response_body eval
my $claims = sub { my ($path, $subject, $id) = @_; $id = defined $id ? ",\"jti\":\"$id\"" : ""; $subject = defined $subject ? ",\"sub\":$subject" : ""; "__Secure-media={\"alg\":\"HS256\",\"typ\":\"crossdomain-media+jwt\"}.{\"aud\":\"__Secure-media https://media.example.org\",\"exp\":NOW+7200,\"iat\":NOW,\"path\":\"$path\"$subject,\"by\":\"app\"$id}; Path=$path; Max-Age=7200; HttpOnly; SameSite=None; Secure" };
[ $claims->("/media/", "\"ann\""), $claims->("/media/"), $claims->("/media/", "\"\""), $claims->("/media/dir/", "\"a\\\"b\\\\c/\xc3\xa9\""), $claims->("/", undef, "x") ]



=== max_age: for Django's folders too, and only what is directly in them
--- http_config eval: main::http_of(main::guarded("media max_age=2h", "crossdomain_media_max_age 1h;", $main::Django =~ s/crossdomain_media_max_age [^;]*;//r))
--- config eval: $main::Front
--- request eval: main::asks("/told/", "/media/b.txt", "/media/dir/x.txt")
--- more_headers eval: "First: /media/a.txt?token=" . token("/media")
--- response_body_filters eval: [ [ \&HandOver::told ], [ sub { $_[0] } ], [ sub { $_[0] } ] ]
--- error_code eval: [ 200, 200, 403 ]
--- response_body eval
[ "__Secure-media={\"alg\":\"HS256\",\"typ\":\"crossdomain-media+jwt\"}.{\"aud\":\"__Secure-media https://media.example.org\",\"exp\":NOW+7200,\"iat\":NOW,\"path\":\"/media/\",\"direct\":true,\"by\":\"django\"}; Path=/media/; Max-Age=7200; HttpOnly; SameSite=None; Secure", "private b\n", qr/403/ ]
--- response_headers eval: [ "", "X-Reason: valid", "X-Reason: wrong_path" ]



=== max_age: in place of CloudFront's three
--- http_config eval: main::http_of(main::guarded("media max_age=2h samesite=lax partitioned", "", $main::CloudFront))
--- config eval: $main::Front
--- request eval: main::asks("/told/", "/media/dir/x.txt", "/other/a.txt")
--- more_headers eval: "First: " . cf_url("/media/a.txt", resource => "/media/*")
--- response_body_filters eval: [ [ \&HandOver::told ], [ sub { $_[0] } ], [ sub { $_[0] } ] ]
--- error_code eval: [ 200, 200, 403 ]
--- response_body eval
[ "__Secure-media={\"alg\":\"HS256\",\"typ\":\"crossdomain-media+jwt\"}.{\"aud\":\"__Secure-media https://media.example.org\",\"exp\":NOW+7200,\"iat\":NOW,\"path\":\"/media/\",\"by\":\"KRSA\"}; Path=/media/; Max-Age=7200; HttpOnly; SameSite=Lax; Secure; Partitioned", "private x\n", qr/403/ ]



=== max_age: the player goes on with it
--- http_config eval: main::http_of($main::Minting)
--- config eval: $main::Front
--- request eval: main::asks("/media/b.txt", "/media/dir/sub/y.txt", "/other/a.txt")
--- more_headers eval: "First: /media/a.txt?token=" . jwt({ path => "/media/*", sub => "ann" })
--- error_code eval: [ 200, 200, 403 ]
--- response_body eval: [ "private b\n", "private y\n", qr/403/ ]
--- response_headers eval: [ ("X-Reason: valid\nX-Subject: ann.\nCache-Control: private\nVary: Cookie\n! Set-Cookie") x 2, "X-Reason: wrong_path\nX-Subject: .\n! Set-Cookie" ]



=== max_age: a token that ends later is handed over as it is
--- config eval: $main::Minting
--- request eval: "GET $main::Url"
--- granted
--- response_headers_like eval: main::handed()



=== max_age: so are grants that are limited in other ways
--- config eval: main::guarded("media max_age=100h", "", "crossdomain_media_key \$TEST_NGINX_JWT_DIR/hs.key format=jwt id=app; $main::CloudFront")
--- request eval
[ (map { "GET /media/a.txt?token=" . jwt({ path => "/media/*", exp => $main::End, @$_ }) } [ method => "GET" ], [ ip => "127.0.0.1" ], [ nbf => 1 ], [ cdniuc => "regex:https://media.example.org/.*" ]),
  map { "GET " . cf_url("/media/a.txt", end => $main::End, @$_) } [ resource => "/media/*", from => "127.0.0.0/8" ], [ resource => "/media/*", start => 1 ], [ resource => "/media/*.txt" ] ]
--- response_body eval: [ ("private\n") x 7 ]
--- response_headers_like eval
[ (map { main::handed("__Secure-media=" . jwt({ path => "/media/*", exp => $main::End, @$_ })) } [ method => "GET" ], [ ip => "127.0.0.1" ], [ nbf => 1 ], [ cdniuc => "regex:https://media.example.org/.*" ]),
  map { main::handed([ split /; /, cf_cookies("", end => $main::End, @$_) ]) } [ resource => "/media/*", from => "127.0.0.0/8" ], [ resource => "/media/*", start => 1 ], [ resource => "/media/*.txt" ] ]



=== max_age: a grant that is for one file is not widened
--- config eval: $main::Minting
--- request eval: "GET " . jwt_signed("/media/a.txt")
--- granted
--- response_headers eval: "X-Reason: valid\n$main::Kept"



=== a minted token, and what it says
--- config eval: main::guarded("media max_age=2h", 'add_header X-More "[$crossdomain_media_key_id] $crossdomain_media_expires";')
--- request eval: main::asks("/media/a.txt", "/media/dir/x.txt")
--- more_headers eval: main::minted_cookies(([ { sub => "ann" } ]) x 2)
--- response_body eval: [ "private\n", "private x\n" ]
--- response_headers eval: [ ("X-Reason: valid\nX-Subject: ann.\nX-More: [app] " . ($HandOver::Start + 7200) . "\n! Set-Cookie\nCache-Control: private\nVary: Cookie") x 2 ]



=== a minted token holds in its folder only
--- config eval: $main::Minting
--- request eval: main::asks("/media/dir/x.txt", "/media/dir/x.txt", "/media/a.txt", "/media/dir/sub/y.txt", "/media/dir/x.txt", "/media/dir/x.txt", "/other/a.txt", "/media/dir/x.txt", "/media/dir//x.txt", "/media/dir/..%2fa.txt", "/media/%64ir/x.txt")
--- more_headers eval
main::minted_cookies(map { [ $_ ] } { path => "/media/dir/" }, { path => "/" }, { path => "/media/dir/" }, { path => "/media/dir/" }, { path => "/media/dir" }, { path => "/media/di" }, { path => "/media/" }, { path => "" }, ({ path => "/media/dir/" }) x 3)
--- error_code eval: [ 200, 200, 403, 200, 403, 403, 403, 403, 403, 403, 403 ]
--- response_body eval: [ "private x\n", "private x\n", qr/403/, "private y\n", (qr/403/) x 7 ]
--- response_headers eval: [ map { "X-Reason: $_" } qw(valid valid wrong_path valid wrong_path wrong_path wrong_path wrong_path unsafe_path unsafe_path wrong_path) ]



=== one that is for a folder's own files does not reach below
--- config eval: $main::Minting
--- request eval: main::asks("/media/a.txt", "/media/dir/x.txt", "/media/dir/", "/media/b.txt?own=/")
--- more_headers eval: main::minted_cookies(([ { direct => JSON::PP::true } ]) x 4)
--- error_code eval: [ 200, 403, 403, 200 ]
--- response_body eval: [ "private\n", qr/403/, qr/403/, "private b\n" ]
--- response_headers eval: [ map { "X-Reason: $_" } qw(valid wrong_path wrong_path valid) ]



=== a minted token holds in its cookie only
--- config eval: "crossdomain_media_token arg:token cookie:own header:Authorization path:~; $main::Minting"
--- request eval: my $token = minted(); main::asks("/media/a.txt?token=$token", "/media/a.txt", "/media/a.txt", "/~$token/media/a.txt", ("/media/a.txt") x 2)
--- more_headers eval: my $token = minted(); [ "", "Cookie: own=$token", "Authorization: Bearer $token", "", "Cookie: media=$token", "Cookie: __Secure-media=$token" ]
--- reasons: bad_signature bad_signature bad_signature bad_signature no_token valid



=== not even where that cookie is named as a source of other tokens
--- config eval: "crossdomain_media_token cookie:__Secure-media; " . $main::Guarded =~ s/crossdomain_media_cookie media;/crossdomain_media_key \$TEST_NGINX_JWT_DIR\/mint.key format=jwt use=mint;/r
--- request eval: main::asks("/media/a.txt", "/media/a.txt")
--- more_headers eval: main::cookies("__Secure-media=" . minted(), "__Secure-media=$main::Wide")
--- reasons: bad_signature valid



=== a minted token is for one cookie and one site
--- config eval: $main::Minting
--- request eval: main::asks(("/media/a.txt") x 9)
--- more_headers eval
main::minted_cookies([ undef, site => "https://other.example.org" ], [ undef, site => "http://media.example.org" ], [ undef, site => "https://media.example.org:443" ], [ undef, site => "" ], [ undef, cookie => "__Secure-other" ], [ undef, cookie => "media" ],
  [ { aud => "__Secure-media" } ], [ { aud => "https://media.example.org" } ], [ { aud => "__Secure-media  https://media.example.org" } ])
--- reasons eval: [ ("wrong_audience") x 9 ]



=== where the site goes without saying, it is that of the request
--- config eval: "server_name localhost a.example.net b.example.net; " . $main::Minting =~ s/crossdomain_media_public_url [^;]*;//r
--- request eval: main::asks(("/media/a.txt") x 5)
--- more_headers eval
my $port = Test::Nginx::Util::server_port();
my %from = (localhost => "localhost", "a.example.net" => "a.example.net", "b.example.net" => "a.example.net", "evil.example" => "a.example.net");
[ (map { "Host: $_\nCookie: __Secure-media=" . minted(undef, site => "http://$from{$_}:$port") } sort keys %from), "Host: evil.example\nCookie: __Secure-media=" . minted(undef, site => "http://evil.example:$port") ]
--- reasons: valid wrong_audience wrong_audience valid wrong_audience



=== a minted token that has ended, to the second
--- config eval: main::guarded("media max_age=2h", "crossdomain_media_leeway 2h;")
--- request eval: main::asks(("/media/a.txt") x 3)
--- more_headers eval: main::minted_cookies(map { [ { exp => $_ } ] } $HandOver::Start, 0, $HandOver::Start + 3600)
--- reasons: token_expired token_expired valid



=== made by another key, or changed
--- config eval: $main::Minting
--- request eval: main::asks(("/media/a.txt") x 7)
--- more_headers eval
my ($header, $claims, $signature) = split /[.]/, minted();
my ($wider) = (split /[.]/, minted({ path => "/" }))[1];
main::cookies(map { "__Secure-media=$_" } minted(undef, key => "mint2.key"), minted(undef, key => "hs.key"), "$header.$wider.$signature", "$header.$claims." . CORE::reverse($signature), "$header.$claims.", "$header.$claims", "$header.$claims.$signature" . "A")
--- reasons: bad_signature bad_signature bad_signature bad_signature token_malformed token_malformed token_malformed



=== other headers than its own
--- config eval: $main::Minting
--- request eval: main::asks(("/media/a.txt") x 7)
--- more_headers eval
main::minted_cookies([ undef, header => '{"alg":"none","typ":"crossdomain-media+jwt"}', signature => "" ], [ undef, header => '{"alg":"none"}', signature => "" ], [ undef, header => '{"alg":"none","typ":"crossdomain-media+jwt"}' ], map { [ undef, header => $_ ] }
  '{"alg":"HS256","typ":"JWT"}', '{"alg":"HS256"}', '{"typ":"crossdomain-media+jwt","alg":"HS256"}', '{"alg":"HS256","typ":"crossdomain-media+jwt","kid":"mint"}')
--- error_code eval: [ (403) x 7 ]
--- response_headers_like eval: [ ("X-Reason: (?:unknown_key|bad_signature|wrong_audience|token_malformed|token_unsupported)") x 7 ]
--- response_body eval: [ (qr/403/) x 7 ]



=== a JWT that is signed with the minting key grants nothing
--- config eval: $main::Minting
--- request eval: my $token = jwt({ path => "/media/*" }, key => "mint.key"); main::asks("/media/a.txt?token=$token", "/media/a.txt", "/media/a.txt?token=" . jwt({ path => "/media/*" }, key => "mint.key", header => { kid => "mint" }))
--- more_headers eval: [ "", "Cookie: __Secure-media=" . jwt({ path => "/media/*" }, key => "mint.key"), "" ]
--- error_code eval: [ 403, 403, 403 ]
--- response_body eval: [ (qr/403/) x 3 ]
--- response_headers eval: [ ("X-Reason: bad_signature") x 2, "X-Reason: unknown_key" ]



=== nor does one of ours that is signed with the application's key
--- config eval: $main::Minting
--- request eval: main::asks("/media/a.txt?token=" . minted(undef, key => "hs.key"), "/media/a.txt")
--- more_headers eval: [ "", "Cookie: __Secure-media=" . minted(undef, key => "hs.key") ]
--- error_code eval: [ 403, 403 ]
--- response_body eval: [ (qr/403/) x 2 ]
--- response_headers eval: [ "X-Reason: wrong_audience", "X-Reason: bad_signature" ]



=== claims that it never makes
--- config eval: $main::Minting
--- request eval: main::asks(("/media/a.txt") x 8)
--- more_headers eval
my $end = $HandOver::Start + 3600;
my $rest = "\"by\":\"app\",\"aud\":\"__Secure-media https://media.example.org\",\"iat\":1,\"path\":\"/media/\"";
main::minted_cookies(map { [ undef, json => $_ ] } "{\"exp\":$end,$rest}", "{\"exp\":$end,$rest,\"more\":1}", "{\"exp\":\"$end\",$rest}", "{\"exp\":$end.5,$rest}", "{$rest}", "{\"exp\":$end,$rest,\"exp\":$end}", "[]", "{\"exp\":$end,$rest")
--- reasons eval: [ "valid", ("token_malformed") x 7 ]



=== what another key vouches for, or none
--- config eval: $main::Minting
--- request eval: main::asks(("/media/a.txt") x 4)
--- more_headers eval: main::minted_cookies(map { [ { by => $_ } ] } "app", "mint", "gone", undef)
--- reasons: valid unknown_key unknown_key unknown_key



=== one that is too long for a cookie
--- config eval: $main::Minting
--- request eval: main::asks(("/media/a.txt") x 2)
--- more_headers eval: main::minted_cookies([ { sub => "x" x 2000 } ], [ { sub => "x" x 2300 } ])
--- reasons: valid token_malformed



=== a subject that leaves no room for a token of ours: the token itself is handed over
--- config eval: $main::Minting
--- request eval: "GET /media/a.txt?token=" . jwt({ path => "/media/*", sub => "x" x 2200 })
--- error_code: 200
--- response_headers_like
Set-Cookie: __Secure-media=eyJ[^.]+\.[^.]+\.[\w-]{43}; Path=/media/; Max-Age=\d+; .*



=== sliding: a new cookie when half of its life has passed, of the same chain
--- http_config eval: main::http_of($main::Minting)
--- config eval: $main::Front =~ s/location = .first \{/location = \/first { proxy_set_header Cookie "__Secure-media=\$http_old";/r
--- request eval: [ ("GET /told/") x 3 ]
--- more_headers eval
[ map { "First: /media/$_->[0]\nOld: " . minted($_->[1]) } [ "b.txt", { exp => $main::Half_gone, sub => "ann" } ], [ "b.txt", { exp => $main::Half_gone, iat => $HandOver::Start - 18000, direct => JSON::PP::true } ], [ "dir/x.txt", { exp => $main::Half_gone, path => "/" } ] ]
--- response_body_filters eval: \&HandOver::told
--- response_body eval
my $told = sub { my ($since, $path, $more) = @_; "__Secure-media={\"alg\":\"HS256\",\"typ\":\"crossdomain-media+jwt\"}.{\"aud\":\"__Secure-media https://media.example.org\",\"exp\":NOW+7200,\"iat\":START$since,\"path\":\"$path\"$more,\"by\":\"app\"}; Path=$path; Max-Age=7200; HttpOnly; SameSite=None; Secure" };
[ qr/\A\Q${\ $told->("+0", "\/media\/", ",\"sub\":\"ann\"") =~ s{START.0}{BEGAN}r }\E\z/ =~ s/BEGAN/(?:START\\+0|NOW)/r, $told->("-18000", "/media/", ",\"direct\":true"), $told->("+0", "/", "") ]



=== sliding: not before, whoever asks
--- config eval: $main::Minting
--- request eval: main::asks("/media/a.txt", "/media/a.txt", "/media/a.txt?token=$main::Expired", "/media/a.txt?token=x")
--- more_headers eval: main::minted_cookies([ { exp => $HandOver::Start + 7200 } ], [ { exp => $HandOver::Start + 100_000, iat => 1 } ], ([ { exp => $HandOver::Start + 7200 } ]) x 2)
--- reasons: valid valid valid valid
--- response_headers eval: [ ("! Set-Cookie\nCache-Control: private") x 4 ]



=== sliding: with the cookie that grants, not with another in the URL's place
--- config eval: $main::Minting
--- request eval: main::asks("/media/a.txt", "/media/a.txt?token=$main::Expired")
--- more_headers eval: main::minted_cookies(([ { exp => $main::Half_gone } ]) x 2)
--- response_body eval: [ ("private\n") x 2 ]
--- response_headers_like eval: [ ("Set-Cookie: __Secure-media=[^ ;,]+; Path=/media/; Max-Age=7200; HttpOnly; SameSite=None; Secure\nCache-Control: private\nVary: Cookie\nX-Reason: valid") x 2 ]



=== sliding: up to the deadline, and no further
--- http_config eval: main::http_of($main::Minting)
--- config eval: $main::Front =~ s/location = .first \{/location = \/first { proxy_set_header Cookie "__Secure-media=\$http_old";/r
--- request
GET /told/
--- more_headers eval: "First: /media/b.txt\nOld: " . minted({ exp => $main::Half_gone, iat => $HandOver::Start - 12 * 3600 + 5000 })
--- response_body_filters eval: \&HandOver::told
--- response_body eval
"__Secure-media={\"alg\":\"HS256\",\"typ\":\"crossdomain-media+jwt\"}.{\"aud\":\"__Secure-media https://media.example.org\",\"exp\":START+5000,\"iat\":START-38200,\"path\":\"/media/\",\"by\":\"app\"}; Path=/media/; Max-Age=LEFT; HttpOnly; SameSite=None; Secure"



=== sliding: a chain that cannot become longer is left alone
--- config eval: main::guarded("media max_age=2h deadline=3h")
--- request eval: main::asks(("/media/a.txt") x 3)
--- more_headers eval: main::minted_cookies(map { [ { exp => $main::Half_gone, iat => $HandOver::Start + $_ } ] } 1200 - 3 * 3600, -100_000, 1000 - 3 * 3600)
--- reasons: valid valid valid
--- response_headers eval: [ ("! Set-Cookie") x 3 ]



=== sliding: deadline
--- http_config eval: main::http_of(main::guarded("media deadline=3h max_age=2h"))
--- config eval: $main::Front =~ s/location = .first \{/location = \/first { proxy_set_header Cookie "__Secure-media=\$http_old";/r
--- request
GET /told/
--- more_headers eval: "First: /media/b.txt\nOld: " . minted({ exp => $main::Half_gone, iat => $HandOver::Start - 3 * 3600 + 5000 })
--- response_body_filters eval: \&HandOver::told
--- response_body eval
"__Secure-media={\"alg\":\"HS256\",\"typ\":\"crossdomain-media+jwt\"}.{\"aud\":\"__Secure-media https://media.example.org\",\"exp\":START+5000,\"iat\":START-5800,\"path\":\"/media/\",\"by\":\"app\"}; Path=/media/; Max-Age=LEFT; HttpOnly; SameSite=None; Secure"



=== sliding: a new URL begins a new chain
--- http_config eval: main::http_of($main::Minting)
--- config eval: $main::Front =~ s/location = .first \{/location = \/first { proxy_set_header Cookie "__Secure-media=\$http_old";/r
--- request
GET /told/
--- more_headers eval: "First: /media/b.txt?token=" . jwt({ path => "/media/*", sub => "bob" }) . "\nOld: " . minted({ exp => $main::Half_gone, iat => 1, sub => "ann" })
--- response_body_filters eval: \&HandOver::told
--- response_body eval
"__Secure-media={\"alg\":\"HS256\",\"typ\":\"crossdomain-media+jwt\"}.{\"aud\":\"__Secure-media https://media.example.org\",\"exp\":NOW+7200,\"iat\":NOW,\"path\":\"/media/\",\"sub\":\"bob\",\"by\":\"app\"}; Path=/media/; Max-Age=7200; HttpOnly; SameSite=None; Secure"



=== sliding: not in a dry run, and not with what was handed over as it is
--- config eval: "location /media/ { " . main::guard("media max_age=2h", "crossdomain_media_dry_run on;") . " } location /other/ { " . main::guard("media max_age=2h") . " }"
--- request eval: main::asks("/media/a.txt", "/other/a.txt")
--- more_headers eval: main::cookies("__Secure-media=" . minted({ exp => $main::Half_gone }), "__Secure-media=" . jwt({ path => "/other/*", exp => $main::Half_gone }))
--- response_body eval: [ "private\n", "private other\n" ]
--- response_headers eval: [ ("X-Reason: valid\n! Set-Cookie") x 2 ]



=== the minted cookie does not reach the upstream either
--- http_config eval: $main::Upstream
--- config eval: main::guarded("media max_age=2h", "$main::Proxy proxy_set_header X-Media-Subject \$crossdomain_media_subject;")
--- request
GET /media/a.txt
--- more_headers eval: "Cookie: a=1; __Secure-media=" . minted()
--- response_body
private
--- response_headers
X-Seen: /media/a.txt|a=1|1|



=== no log line and no access log shows a cookie's token
--- config eval: $main::Minting
--- request
GET /other/a.txt
--- more_headers eval: "Cookie: __Secure-media=" . minted()
--- refused: 403
--- error_log
crossdomain_media: invalid, reason: wrong_path, key: "mint", uri: "/other/a.txt", client
--- no_error_log
eyJhbGciOi



=== over TLS, and for the site that the connection says
--- http_config eval
"server { listen \$TEST_NGINX_UPSTREAM ssl; server_name media.example.org; root html; ssl_certificate \$TEST_NGINX_JWT_DIR/tls.pem; ssl_certificate_key \$TEST_NGINX_JWT_DIR/rsa.pem; $main::Minting }"
--- config
    location / { proxy_pass https://$TEST_NGINX_UPSTREAM; proxy_set_header Host media.example.org; }
--- request
GET /media/a.txt
--- more_headers eval: "Cookie: __Secure-media=" . minted()
--- granted
--- response_headers
! Referrer-Policy
Cache-Control: private
X-Reason: valid



=== inherited, and off
--- config eval
main::guard("media insecure") . " location /media/ { location /media/dir/ { crossdomain_media_cookie off; } location /media/dir/sub/ { crossdomain_media_cookie other insecure; } } location /other/ { }"
--- request eval: [ map { "GET $_?token=" . jwt({ path => "/*", exp => $main::End }) } "/other/a.txt", "/media/a.txt", "/media/dir/x.txt", "/media/dir/sub/y.txt" ]
--- response_body eval: [ "private other\n", "private\n", "private x\n", "private y\n" ]
--- response_headers_like eval
my $token = jwt({ path => "/*", exp => $main::End });
[ (main::handed("media=$token", "/", "HttpOnly; SameSite=Lax")) x 2, "Set-Cookie:\nVary:\nCache-Control:\nX-Reason: valid", main::handed("other=$token", "/", "HttpOnly; SameSite=Lax") ]



=== off is what there is without it: the cookie is nobody's
--- http_config eval: $main::Upstream
--- config eval: main::guarded("off", $main::Proxy)
--- request eval: main::asks("/media/a.txt", $main::Url)
--- more_headers eval: main::cookies(("__Secure-media=$main::Wide") x 2)
--- error_code eval: [ 302, 200 ]
--- response_body eval: [ qr/302/, "private\n" ]
--- response_headers eval: [ "X-Reason: no_token", "X-Seen: /media/a.txt|__Secure-media=$main::Wide||\n! Set-Cookie\n! Vary\n! Cache-Control" ]



=== in limit_except
--- config eval: "location / { limit_except POST { " . main::guard("media") =~ s/add_header[^;]*;//gr . " } }"
--- request eval: "GET $main::Url"
--- response_body
private
--- response_headers_like eval: main::handed() =~ s/X-Reason: valid\n//r



=== twice
--- config eval: main::guarded("media; crossdomain_media_cookie other")
--- must_die
--- error_log
"crossdomain_media_cookie" directive is duplicate in



=== off and a name
--- config eval: main::guarded("off; crossdomain_media_cookie media")
--- must_die
--- error_log
"crossdomain_media_cookie" directive is duplicate in



=== a name that is none
--- config eval: main::guarded('"a b"')
--- must_die
--- error_log
crossdomain_media_cookie: a b: expected a cookie's name, without "__Secure-", which is put before it in



=== a name with a semicolon
--- config eval: main::guarded('"a;b"')
--- must_die
--- error_log
crossdomain_media_cookie: a;b: expected a cookie's name, without "__Secure-", which is put before it in



=== an empty name
--- config eval: main::guarded('""')
--- must_die
--- error_log
crossdomain_media_cookie: : expected a cookie's name, without "__Secure-", which is put before it in



=== a name with the prefix
--- config eval: main::guarded('__Secure-media')
--- must_die
--- error_log
crossdomain_media_cookie: __Secure-media: expected a cookie's name, without "__Secure-", which is put before it in



=== a name with another prefix
--- config eval: main::guarded('__Host-media')
--- must_die
--- error_log
crossdomain_media_cookie: __Host-media: expected a cookie's name, without "__Secure-", which is put before it in



=== an unknown parameter
--- config eval: main::guarded('media secure')
--- must_die
--- error_log
crossdomain_media_cookie: media: unknown parameter "secure" in



=== an unknown parameter with a value
--- config eval: main::guarded('media path=/')
--- must_die
--- error_log
crossdomain_media_cookie: media: unknown parameter "path=/" in



=== a flag with a value
--- config eval: main::guarded('media redirect=on')
--- must_die
--- error_log
crossdomain_media_cookie: media: unknown parameter "redirect=on" in



=== off among parameters
--- config eval: main::guarded('media off')
--- must_die
--- error_log
crossdomain_media_cookie: media: unknown parameter "off" in



=== a parameter twice
--- config eval: main::guarded('media samesite=lax samesite=none')
--- must_die
--- error_log
crossdomain_media_cookie: media: "samesite" is given twice in



=== a flag twice
--- config eval: main::guarded('media redirect redirect')
--- must_die
--- error_log
crossdomain_media_cookie: media: "redirect" is given twice in



=== another SameSite
--- config eval: main::guarded('media samesite=Lax')
--- must_die
--- error_log
crossdomain_media_cookie: media: "samesite=Lax": expected strict, lax or none in



=== an empty SameSite
--- config eval: main::guarded('media samesite=')
--- must_die
--- error_log
crossdomain_media_cookie: media: "samesite=": expected strict, lax or none in



=== a max_age that is no time
--- config eval: main::guarded('media max_age=x')
--- must_die
--- error_log
crossdomain_media_cookie: media: "max_age=x": expected a time such as 2h in



=== a max_age of nothing
--- config eval: main::guarded('media max_age=0')
--- must_die
--- error_log
crossdomain_media_cookie: media: "max_age=0": expected a time such as 2h in



=== a max_age below nothing
--- config eval: main::guarded('media max_age=-1')
--- must_die
--- error_log
crossdomain_media_cookie: media: "max_age=-1": expected a time such as 2h in



=== a deadline that is no time
--- config eval: main::guarded('media max_age=1h deadline=1x')
--- must_die
--- error_log
crossdomain_media_cookie: media: "deadline=1x": expected a time such as 2h in



=== a deadline without a max_age
--- config eval: main::guarded('media deadline=1h')
--- must_die
--- error_log
crossdomain_media_cookie: media: "deadline=" needs "max_age=" in



=== a deadline before the max_age
--- config eval: main::guarded('media max_age=2h deadline=1h')
--- must_die
--- error_log
crossdomain_media_cookie: media: "deadline=" needs to be "max_age=" or more in



=== partitioned without https
--- config eval: main::guarded('media partitioned insecure')
--- must_die
--- error_log
crossdomain_media_cookie: media: "partitioned" needs https, so not "insecure" in



=== SameSite=None without https
--- config eval: main::guarded('media insecure samesite=none')
--- must_die
--- error_log
crossdomain_media_cookie: media: "samesite=none" needs https, so not "insecure" in



=== a deadline of just the max_age
--- config eval: main::guarded("media max_age=2h deadline=2h")
--- request eval: "GET $main::Url"
--- granted
--- response_headers eval: "X-Reason: valid\nCache-Control: private"



=== a max_age that is longer than the usual deadline
--- config eval: main::guarded("media max_age=20h")
--- request
GET /media/a.txt
--- more_headers eval: "Cookie: __Secure-media=" . minted({ iat => $HandOver::Start - 13 * 3600 })
--- error_code: 200
--- response_body
private
--- response_headers_like: Set-Cookie: __Secure-media=[^ ;,]+; Path=/media/; Max-Age=2[45][0-9]{3}; HttpOnly; SameSite=None; Secure



=== max_age: each of the application's keys needs an id
--- config eval: main::guarded("media max_age=2h", "", "crossdomain_media_key \$TEST_NGINX_JWT_DIR/hs.key format=jwt id=app; crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key;")
--- must_die
--- error_log
crossdomain_media_cookie: "max_age=" needs an "id=" for each of the application's keys: the tokens made for a key end with it, in



=== max_age without a key to make tokens with
--- config eval: main::guarded("media max_age=2h") =~ s/crossdomain_media_key \S+mint\.key[^;]*;//r
--- must_die
--- error_log
crossdomain_media_cookie: "max_age=" needs a key to make tokens with: "crossdomain_media_key FILE format=jwt use=mint" in



=== nothing but a key to make tokens with
--- config eval: main::guarded("media max_age=2h", "", "")
--- must_die
--- error_log
crossdomain_media: location "/": no crossdomain_media_key applies: name a file with the application's key, or say "crossdomain_media off" in



=== a minting key that is public
--- config eval: main::guarded("media", "", "crossdomain_media_key \$TEST_NGINX_JWT_DIR/hs.key format=jwt id=app; crossdomain_media_key \$TEST_NGINX_JWT_DIR/rsa.pub.pem format=jwt use=mint;")
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S*\Q/rsa.pub.pem: expected a secret, as "use=mint" signs with it in\E}



=== a minting key that is short
--- config eval: main::guarded("media", "", "crossdomain_media_key \$TEST_NGINX_JWT_DIR/hs.key format=jwt id=app; crossdomain_media_key \$TEST_NGINX_JWT_DIR/short.secret format=jwt use=mint;")
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S*\Q/short.secret: 31 bytes, HS256 needs at least 32 in\E}



=== a minting key with an algorithm
--- config eval: main::guarded("media", "", "crossdomain_media_key \$TEST_NGINX_JWT_DIR/hs.key format=jwt id=app; crossdomain_media_key \$TEST_NGINX_JWT_DIR/mint.key format=jwt use=mint alg=HS256;")
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S*\Q/mint.key: "alg=" has no effect with "use=mint" in\E}



=== a minting key with an audience
--- config eval: main::guarded("media", "", "crossdomain_media_key \$TEST_NGINX_JWT_DIR/hs.key format=jwt id=app; crossdomain_media_key \$TEST_NGINX_JWT_DIR/mint.key format=jwt use=mint aud=x;")
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S*\Q/mint.key: "aud=" has no effect with "use=mint" in\E}



=== a minting key with a claim
--- config eval: main::guarded("media", "", "crossdomain_media_key \$TEST_NGINX_JWT_DIR/hs.key format=jwt id=app; crossdomain_media_key \$TEST_NGINX_JWT_DIR/mint.key format=jwt use=mint path_claim=sub;")
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S*\Q/mint.key: "path_claim=" has no effect with "use=mint" in\E}



=== a minting key with a form of paths
--- config eval: main::guarded("media", "", "crossdomain_media_key \$TEST_NGINX_JWT_DIR/hs.key format=jwt id=app; crossdomain_media_key \$TEST_NGINX_JWT_DIR/mint.key format=jwt use=mint path=raw;")
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S*\Q/mint.key: "path=" has no effect with "use=mint" in\E}



=== a key for another use
--- config eval: main::guarded("media", "", "crossdomain_media_key \$TEST_NGINX_JWT_DIR/hs.key format=jwt id=app; crossdomain_media_key \$TEST_NGINX_JWT_DIR/mint.key format=jwt use=sign;")
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S*\Q/mint.key: "use=sign": expected mint in\E}

# A credential in the path: it is cut before nginx looks for a location, so that nothing behind that knows of it.
use v5.20;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;
use Jwt;

our $Guard = <<'GUARD';
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt id=jwt;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=django;
    crossdomain_media_max_age 1h;
GUARD

our $Shown = <<'SHOWN';
    add_header X-Reason $crossdomain_media_reason always;
    add_header X-Seen "$uri|$document_uri|$request_uri|$args|$crossdomain_media_uri" always;
SHOWN

our $Path = 'crossdomain_media_token path:~ arg:token;';

our $Site = "$Path location /media/ { $Guard $Shown }";

# Says what reached it.
our $Upstream = <<'CONFIG';
    server {
        listen $TEST_NGINX_UPSTREAM;
        add_header X-Line $request_uri;
        location / { return 200 "private\n"; }
    }
CONFIG

our $Proxy = 'proxy_pass http://$TEST_NGINX_UPSTREAM';

# A segment with a token for all below /media/, or with these claims.
sub segment { return '~' . jwt({ path => '/media/*', @_ }) }

sub seen { return "X-Seen: $_[0]|$_[0]|$_[1]|" . ($_[1] =~ /\?(.*)/ ? $1 : '') . "|$_[1]" }

# A token of exactly so many bytes.
sub sized {
    my ($size) = @_;
    for my $spare (0 .. 2) {
        for my $fill (int($size * 0.7) .. $size) {
            my $token = jwt({ path => '/media/*', exp => 4102444800, fill => 'x' x ($fill - 150) }, header => { fill => 'x' x $spare });
            return $token if length $token == $size;
            last if length $token > $size;
        }
    }
    die "no token of $size bytes";
}

run_tests();

__DATA__

=== any segment but the last
--- config eval: $main::Site
--- request eval
my ($s, $d) = (main::segment(), "~" . token("/media/dir/x.txt"));
[ map { "GET $_" } "/$s/media/dir/x.txt", "/media/$s/dir/x.txt", "/media/dir/$s/x.txt", "/$d/media/dir/x.txt", "/media/dir/$d/x.txt" ]
--- user_files
>>> media/dir/x.txt
private
--- reasons: valid valid valid valid valid
--- response_headers eval: [ (main::seen(("/media/dir/x.txt") x 2) . "\nReferrer-Policy: no-referrer\nCache-Control: private") x 5 ]



=== relative references inherit the token
--- config eval: $main::Site
--- user_files eval: [ map { [ $_, "private\n" ] } "media/dir/x.txt", "media/dir/sub/y.txt", "media/a.txt", "other/a.txt" ]
--- request eval
my $s = main::segment(path => "/media/dir/*");
[ map { "GET /media/$s/$_" } "dir/x.txt", "dir/sub/y.txt", "dir/", "a.txt", "dirx/x.txt" ]
--- error_code eval: [ 200, 200, 403, 403, 403 ]
--- response_body eval: [ "private\n", "private\n", (qr/403 Forbidden/) x 3 ]
--- response_headers eval: [ map { "X-Reason: $_" } qw(valid valid valid wrong_path wrong_path) ]



=== the query is kept
--- config eval: $main::Site
--- request eval: [ map { "GET /media/" . main::segment() . "/a.txt$_" } "?x=1", "?", "?x=~y/z&/~/", "?x=%2F~a/" ]
--- reasons: valid valid valid valid
--- response_headers eval: [ main::seen("/media/a.txt", "/media/a.txt?x=1"), "X-Seen: /media/a.txt|/media/a.txt|/media/a.txt?||/media/a.txt?", main::seen("/media/a.txt", "/media/a.txt?x=~y/z&/~/"), main::seen("/media/a.txt", "/media/a.txt?x=%2F~a/") ]



=== escapes in the rest are kept, and mean what they mean
--- config eval: $main::Site
--- user_files eval: [ [ "media/\xc3\xbc b.txt", "private\n" ] ]
--- request eval: "GET /media/" . main::segment() . "/%c3%BC%20b.txt"
--- reasons: valid
--- response_headers eval: "X-Seen: /media/\xc3\xbc b.txt|/media/\xc3\xbc b.txt|/media/%c3%BC%20b.txt||/media/%c3%BC%20b.txt"



=== an escaped prefix, and an escaped token
--- config eval: $main::Site
--- request eval
my $t = main::segment() =~ s/\A~//r;
[ map { "GET /media/$_/a.txt" } "%7E$t", "%7e$t", "%7E" . ($t =~ s/\./%2e/gr), "%257E$t" ]
--- reasons: valid valid valid no_token



=== a prefix of several bytes
--- config eval: $main::Site =~ s/path:~/path:t=/r
--- request eval: my $s = main::segment() =~ s/\A~//r; [ map { "GET /media/$_$s/a.txt" } "t=", "t%3D", "%74=", "T=", "t", "~" ]
--- reasons: valid valid valid no_token no_token no_token



=== two segments are one credential that cannot hold
--- config eval: $main::Site
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s/$s/a.txt", "/$s/media/~x/a.txt", "/media/~/$s/a.txt", "/%7Ex/media/$s/a.txt" ]
--- reasons: token_repeated token_repeated token_repeated token_repeated



=== a segment without a token
--- config eval: $main::Site
--- request eval: [ map { "GET $_" } "/media/~/a.txt", "/~/media/a.txt", "/media/~x/a.txt", "/media/~../a.txt", "/media/~./a.txt" ]
--- reasons: token_empty token_empty token_malformed token_malformed token_malformed



=== the last segment names what is asked for
--- config eval: $main::Site
--- user_files eval: [ [ "media/~name", "private\n" ], [ "media/a.txt", "private\n" ] ]
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s", "/media/$s/~name", "/media/~name", "/media/~name?token=" . jwt({ path => "/media/~name" }) ]
--- reasons: no_token valid no_token valid



=== a question mark ends the path
--- config eval: $main::Site
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s?/a.txt", "/media/a.txt?/$s/x" ]
--- reasons: no_token no_token



=== a raw number sign, at which nginx cuts
--- config eval: $main::Site
--- raw_request eval: raw_get("/media/" . main::segment() . "/a.txt#/x")
--- error_code: 403
--- response_body_unlike: private
--- response_headers
X-Reason: unsafe_path



=== a raw number sign before the segment
--- config eval: $main::Site
--- raw_request eval: raw_get("/media/a.txt#/" . main::segment() . "/x")
--- error_code: 403
--- response_body_unlike: private
--- response_headers
X-Reason: unsafe_path



=== dot segments around it
--- config eval: "$main::Site location /open/ { }"
--- request eval
my $s = main::segment();
[ map { "GET $_" } "/media/$s/../media/a.txt", "/media/x/../$s/a.txt", "/media/$s/./a.txt", "/open/$s/../media/a.txt", "/open/../$s/media/a.txt", "/media/$s/%2e%2e/media/a.txt", "/media/x%2f../$s/a.txt", "/$s/../media/a.txt", "/media/./$s/a.txt" ]
--- error_code eval: [ 403, 403, 403, 403, 403, 403, 403, 400, 403 ]
--- response_body_unlike eval: [ ("private") x 9 ]
--- response_headers eval: [ ("X-Reason: unsafe_path") x 7, "", "X-Reason: unsafe_path" ]



=== a folder wants a path that can be read in one way
--- config eval: $main::Site
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media//$s/a.txt", "/media/$s//a.txt", "//$s/media/a.txt", "/media/$s/dir%2Fx.txt" ]
--- reasons: unsafe_path unsafe_path wrong_path unsafe_path



=== an exact path with doubled slashes
--- config eval: "merge_slashes off; $main::Site"
--- user_files
>>> media/a.txt
private
--- request eval: my $s = "~" . jwt({ path => "/media//a.txt" }); [ map { "GET $_" } "/media/$s//a.txt", "/media//$s/a.txt", "/media/$s/a.txt" ]
--- reasons: valid valid wrong_path



=== a long token
--- config eval: $main::Site
--- request eval: [ map { "GET /media/~$_/a.txt" } map { main::sized($_) } 1500, 4096, 4097 ]
--- reasons: valid valid token_malformed



=== a line that is longer than nginx reads
--- http_config
    client_header_buffer_size 1k;
    large_client_header_buffers 2 2k;
--- config eval: $main::Site
--- request eval: [ map { "GET /media/~$_/a.txt" } map { main::sized($_) } 1500, 2100 ]
--- error_code eval: [ 200, 414 ]
--- response_body_unlike eval: [ "Too Large", "private" ]



=== the argument beside it is another source
--- config eval: $main::Site
--- request eval
my ($s, $t) = (main::segment(), jwt({ path => "/media/a.txt" }));
[ map { "GET $_" } "/media/$s/a.txt?token=x&y=1", "/media/~x/a.txt?token=$t&y=1", "/media/~x/a.txt?token=y&y=1", "/media/a.txt?token=$t&y=1" ]
--- reasons: valid valid token_malformed valid
--- response_headers eval
[ (main::seen("/media/a.txt", "/media/a.txt?y=1") . "\nReferrer-Policy: no-referrer") x 4 ]



=== a location is found by the path without it
--- config eval
"$main::Path $main::Guard $main::Shown location / { return 418; } location = /media/a.txt { add_header X-Location exact; } location /media/dir/ { add_header X-Location prefix; location /media/dir/sub/ { add_header X-Location nested; } }
 location ~ ^/media/([a-z]+)[.]bin\$ { add_header X-Location \"regex \$1\"; }"
--- user_files eval: [ map { [ "media/$_", "private\n" ] } "a.txt", "dir/x.txt", "dir/sub/y.txt", "abc.bin" ]
--- request eval
my $s = main::segment();
[ map { "GET $_" } "/$s/media/a.txt", "/media/$s/dir/x.txt", "/media/dir/$s/sub/y.txt", "/media/dir/sub/$s/y.txt", "/media/$s/abc.bin", "/$s/media/abc.bin" ]
--- error_code eval: [ (200) x 6 ]
--- response_body eval: [ ("private\n") x 6 ]
--- response_headers eval: [ map { "X-Location: $_" } "exact", "prefix", "nested", "nested", "regex abc", "regex abc" ]



=== captures of a regex location
--- config eval
"$main::Path location ~ ^/media/(?<course>[^/]+)/(.+)\$ { $main::Guard alias \$TEST_NGINX_HTML_DIR/media/dir/\$2; add_header X-Course \$course; }"
--- user_files
>>> media/dir/x.txt
private
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s/c1/x.txt", "/media/c1/$s/x.txt", "/$s/media/c1/x.txt" ]
--- error_code eval: [ 200, 200, 200 ]
--- response_body eval: [ ("private\n") x 3 ]
--- response_headers eval: [ ("X-Course: c1") x 3 ]



=== alias, and the type of the file
--- config eval
"$main::Path types { video/mp4 mp4; } location /films/ { $main::Guard alias \$TEST_NGINX_HTML_DIR/media/; }"
--- user_files
>>> media/a.mp4
private
--- request eval: my $s = "~" . jwt({ path => "/films/*" }); [ map { "GET $_" } "/films/$s/a.mp4", "/$s/films/a.mp4" ]
--- error_code eval: [ 200, 200 ]
--- response_body eval: [ ("private\n") x 2 ]
--- response_headers eval: [ ("Content-Type: video/mp4") x 2 ]



=== try_files
--- config eval
"$main::Path location /media/ { $main::Guard $main::Shown try_files \$uri.none \$uri /media/fallback.txt; }"
--- user_files eval: [ map { [ "media/$_", "private\n" ] } "a.txt", "fallback.txt" ]
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s/a.txt", "/media/$s/none.txt", "/media/~x/none.txt" ]
--- reasons: valid valid token_malformed



=== index
--- config eval: $main::Site
--- user_files
>>> media/dir/index.html
private
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s/dir/", "/media/dir/$s/", "/$s/media/dir/", "/media/~x/dir/" ]
--- reasons: valid valid valid token_malformed



=== a directory without its slash: nginx's redirect shows no token
--- config eval: "absolute_redirect off; $main::Site"
--- request eval: "GET /media/" . main::segment() . "/dir"
--- error_code: 301
--- response_headers
Location: /media/dir/
--- response_body_unlike: eyJ



=== proxy_pass without a URI part
--- http_config eval: $main::Upstream
--- config eval: "$main::Path location /media/ { $main::Guard $main::Proxy; }"
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s/dir/x.txt?x=1", "/media/$s/%61.txt", "/$s/media/a.txt" ]
--- error_code eval: [ 200, 200, 200 ]
--- response_headers eval: [ map { "X-Line: $_" } "/media/dir/x.txt?x=1", "/media/%61.txt", "/media/a.txt" ]



=== proxy_pass with a URI part
--- http_config eval: $main::Upstream
--- config eval: "$main::Path location /media/ { $main::Guard $main::Proxy:/up/; }"
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s/dir/x.txt?x=1", "/$s/media/a.txt" ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ map { "X-Line: $_" } "/up/dir/x.txt?x=1", "/up/a.txt" ]



=== proxy_pass with captures
--- http_config eval: $main::Upstream
--- config eval: "$main::Path location ~ ^/media/(c[0-9]+)/(.*)\$ { $main::Guard $main::Proxy:/bucket-\$1/\$2?\$args; }"
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s/c1/a.ts?x=1", "/media/c1/$s/a.ts?x=1&token=y" ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ ("X-Line: /bucket-c1/a.ts?x=1") x 2 ]



=== proxy_pass with $uri and $request_uri
--- http_config eval: $main::Upstream
--- config eval
"$main::Path location /media/u/ { $main::Guard $main::Proxy:\$uri; } location /media/r/ { $main::Guard $main::Proxy:\$request_uri; }"
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/u/$s/a.txt?x=1", "/media/r/$s/%61.txt?x=1" ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ map { "X-Line: $_" } "/media/u/a.txt", "/media/r/%61.txt?x=1" ]



=== rewrite ... break
--- http_config eval: $main::Upstream
--- config eval: "$main::Path location /media/ { $main::Guard rewrite ^/media/(.*)\$ /re/\$1 break; $main::Proxy; }"
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s/a.txt?x=1", "/$s/media/a.txt?x=1" ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ ("X-Line: /re/a.txt?x=1") x 2 ]



=== a rewrite of the server sees the path without it
--- http_config eval: $main::Upstream
--- config eval: "$main::Path rewrite ^/old/([^/]*)\$ /media/\$1 last; location /media/ { $main::Guard $main::Proxy; }"
--- request eval: my $s = "~" . jwt({ path => "/old/*" }); [ map { "GET $_" } "/old/$s/a.txt?x=1", "/$s/old/a.txt?x=1" ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ ("X-Line: /media/a.txt?x=1") x 2 ]



=== conditions of the rewrite module see the path without it
--- config eval: "$main::Path set \$early \$request_uri; if (\$request_uri ~ eyJ) { return 418; } if (\$uri ~ eyJ) { return 418; } if (\$request ~ eyJ) { return 418; } location /media/ { $main::Guard add_header X-Early \$early; }"
--- request eval: "GET /media/" . main::segment() . "/a.txt"
--- error_code: 200
--- response_body
private
--- response_headers
X-Early: /media/a.txt



=== open_file_cache: two tokens, one file
--- config eval: "open_file_cache max=10; open_file_cache_errors on; $main::Site"
--- request eval: [ (map { "GET /media/" . main::segment(n => $_) . "/a.txt" } 1, 2, 3), "GET /media/~x/a.txt", "GET /media/" . main::segment() . "/b.txt" ]
--- error_code eval: [ 200, 200, 200, 403, 200 ]
--- response_body eval: [ ("private\n") x 3, qr/403 Forbidden/, "private b\n" ]



=== proxy_cache: two tokens, one entry
--- http_config eval: "proxy_cache_path \$TEST_NGINX_SERVER_ROOT/media_cache keys_zone=media:1m; $main::Upstream"
--- config eval
"$main::Path location /media/ { $main::Guard proxy_cache media; proxy_cache_valid 200 1m; add_header X-Cache \$upstream_cache_status; $main::Proxy; }"
--- request eval: [ (map { "GET /media/" . main::segment(n => $_) . "/a.txt" } 1, 2), "GET /media/a.txt?token=" . jwt({ path => "/media/*" }), "GET /media/~x/a.txt", "GET /media/" . main::segment() . "/b.txt" ]
--- error_code eval: [ 200, 200, 200, 403, 200 ]
--- response_headers eval: [ (map { "X-Cache: $_\nCache-Control: private" } "MISS", "HIT"), "X-Cache: HIT\n! Cache-Control", "! X-Cache", "X-Cache: MISS" ]



=== HTTP/2
--- http2
--- config eval: $main::Site
--- request eval: "GET /media/" . main::segment() . "/a.txt?x=1"
--- error_code: 200
--- response_body
private
--- response_headers eval: main::seen("/media/a.txt", "/media/a.txt?x=1")
--- access_log
"GET /media/~***/a.txt?x=1 HTTP/2.0" 200
--- no_access_log
eyJ



=== HTTP/2: a bad token
--- http2
--- config eval: $main::Site
--- request
GET /media/~forged/a.txt?x=1
--- error_code: 403
--- error_log
crossdomain_media: invalid, reason: token_malformed, uri: "/media/a.txt?x=1"
request: "GET /media/~***/a.txt?x=1 HTTP/2.0"
--- no_error_log
forged



=== HTTP/2: an unguarded location
--- http2
--- config eval: "$main::Site location /open/ { }"
--- request
GET /open/~x/a.txt
--- error_code: 404



=== HTTP/1.0
--- config eval: $main::Site
--- request eval: "GET /media/" . main::segment() . "/a.txt HTTP/1.0"
--- reasons: valid



=== absolute form
--- config eval: $main::Site
--- raw_request eval: raw_get("http://media.example.org/media/" . main::segment() . "/a.txt?x=1")
--- error_code: 200
--- response_body
private
--- response_headers eval: main::seen("/media/a.txt", "/media/a.txt?x=1")
--- access_log
"GET http://media.example.org/media/~***/a.txt?x=1 HTTP/1.1" 200
--- no_access_log
eyJ



=== an unguarded location knows no such path
--- config eval: "$main::Site location /open/ { }"
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/open/$s/a.txt", "/$s/open/a.txt", "/open/~x/a.txt", "/open/~/a.txt", "/open/a.txt" ]
--- error_code eval: [ 404, 404, 404, 404, 200 ]
--- response_body eval: [ (qr/404 Not Found/) x 4, "open\n" ]



=== an unguarded location: the log says so, and masks
--- config eval: "$main::Site location /open/ { }"
--- request
GET /open/~secret/a.txt
--- error_code: 404
--- error_log eval: [ qr/\[info\] .*crossdomain_media: a credential in the path, where none is taken from it, client: 127\.0\.0\.1/, qr{request: "GET /open/~\*\*\*/a\.txt HTTP/1\.1"} ]
--- no_error_log
secret
--- access_log
"GET /open/~***/a.txt HTTP/1.1" 404
--- no_access_log
secret



=== a location with the guard off knows no such path either
--- config eval: "$main::Path $main::Guard location /media/ { } location /open/ { crossdomain_media off; }"
--- request eval: my $s = "~" . jwt({ path => "/*" }); [ map { "GET $_" } "/open/$s/a.txt", "/media/$s/a.txt" ]
--- error_code eval: [ 404, 200 ]
--- response_body eval: [ qr/404 Not Found/, "private\n" ]



=== a location that takes credentials from elsewhere knows no such path
--- config eval: "$main::Site location /other/ { $main::Guard $main::Shown crossdomain_media_token arg:token cookie:t; }"
--- request eval
my ($s, $t) = ("~" . jwt({ path => "/*" }), jwt({ path => "/*" }));
[ map { "GET $_" } "/other/$s/a.txt", "/other/$s/a.txt?token=$t", "/other/a.txt?token=$t" ]
--- error_code eval: [ 404, 404, 200 ]
--- response_body eval: [ (qr/404 Not Found/) x 2, "private other\n" ]



=== a page for what is not there
--- config eval: "$main::Site error_page 404 /denied.html; location = /denied.html { } location /open/ { }"
--- request
GET /open/~x/a.txt
--- error_code: 404
--- response_body
sorry



=== a named location for what is not there
--- http_config eval: $main::Upstream
--- config eval: "$main::Site error_page 404 = \@up; location \@up { $main::Proxy; } location /open/ { }"
--- request
GET /open/~x/a.txt
--- error_code: 200
--- response_headers
X-Line: /open/a.txt



=== an error of an earlier phase has its page: return
--- config eval: "$main::Site if (\$arg_blocked) { return 403; } error_page 403 /denied.html; location = /denied.html { }"
--- request eval: "GET /media/" . main::segment() . "/a.txt?blocked=1"
--- error_code: 403
--- response_body
sorry



=== an error of an earlier phase has its page: the body's size
--- config eval: "$main::Site error_page 413 /denied.html; location = /denied.html { }" =~ s/(location)/location \/media\/dir\/ { client_max_body_size 1; $main::Guard } $1/r
--- request eval: "POST /media/" . main::segment() . "/dir/x.txt\nmore than one byte"
--- error_code: 413
--- response_body
sorry



=== an error of an earlier phase has its page: limit_req
--- http_config
    limit_req_zone all zone=slow:1m rate=1r/m;
--- config eval: "$main::Site error_page 503 /denied.html; location = /denied.html { }" =~ s/(location)/limit_req zone=slow; $1/r
--- request eval: my $s = main::segment(); [ ("GET /media/$s/a.txt") x 2 ]
--- error_code eval: [ 200, 503 ]
--- response_body eval: [ "private\n", "sorry\n" ]



=== an error of an earlier phase has its page: a path that leads out
--- config eval: "$main::Site error_page 400 /denied.html; location = /denied.html { }"
--- request eval: "GET /" . main::segment() . "/../media/a.txt"
--- error_code: 400
--- response_body
sorry



=== a URL that evaluates to off: the guard knows of the segment
--- http_config
    map $uri $app { volatile; default https://www.example.com; ~^/media/public/ off; }
--- config eval: $main::Site =~ s{https://www.example.com}{\$app}r
--- user_files eval: [ map { [ "media/$_", "private\n" ] } "public/p.txt", "a.txt" ]
--- request eval: [ map { "GET $_" } "/media/~x/public/p.txt", "/media/public/p.txt", "/media/~x/a.txt" ]
--- error_code eval: [ 200, 200, 403 ]
--- response_body eval: [ "private\n", "private\n", qr/403 Forbidden/ ]



=== a dry run
--- config eval: $main::Site =~ s/(location)/crossdomain_media_dry_run on; $1/r
--- request eval: [ map { "GET $_" } "/media/~x/a.txt", "/media/" . main::segment() . "/a.txt" ]
--- error_code eval: [ 200, 200 ]
--- response_body eval: [ ("private\n") x 2 ]
--- response_headers eval: [ map { "X-Reason: $_\n" . main::seen(("/media/a.txt") x 2) } "token_malformed", "valid" ]



=== strip off: it is cut all the same, since no file has it in its name
--- config eval: $main::Site =~ s/(location)/crossdomain_media_strip off; $1/r
--- request eval: "GET /media/" . main::segment() . "/a.txt?x=1"
--- reasons: valid
--- response_headers eval: main::seen("/media/a.txt", "/media/a.txt?x=1")
--- no_access_log
eyJ



=== satisfy any: an allowed address needs no token
--- config eval: $main::Site =~ s/(location)/satisfy any; allow 127.0.0.1; deny all; $1/r
--- request eval: [ map { "GET $_" } "/media/~x/a.txt", "/media/a.txt" ]
--- error_code eval: [ 200, 200 ]
--- response_body eval: [ ("private\n") x 2 ]



=== a redirect to the application shows no token
--- config eval: $main::Site
--- request eval: "GET /media/" . main::segment(exp => time - 9) . "/dir/x.txt?x=1&token=y"
--- redirected: https://www.example.com/media/dir/x.txt?x=1



=== the return URL shows no token
--- config eval
"$main::Path crossdomain_media_public_url https://media.example.org; location /media/ { $main::Guard add_header X-Return \$crossdomain_media_return_url always; }" =~ s{www.example.com;}{www.example.com/renew?next=\$crossdomain_media_return_url;}r
--- request eval: "GET /media/" . main::segment(exp => time - 9) . "/a.txt?x=1"
--- redirected: https://www.example.com/renew?next=https%3A%2F%2Fmedia.example.org%2Fmedia%2Fa.txt%3Fx%3D1
--- response_headers
X-Return: https%3A%2F%2Fmedia.example.org%2Fmedia%2Fa.txt%3Fx%3D1



=== a URI's hash is that of the URL without the token
--- config eval: "crossdomain_media_public_url https://media.example.org; $main::Site"
--- request eval
my $hash = sub { "hash:sha-256;" . Jwt::encode_base64url(Digest::SHA::sha256("https://media.example.org$_[0]")) };
[ map { "GET /media/~" . jwt({ cdniuc => $hash->($_) }) . "/a.txt?x=1" } "/media/a.txt?x=1", "/media/~/a.txt?x=1", "/media/a.txt" ]
--- reasons: valid wrong_path wrong_path



=== logs mask it
--- config eval: $main::Site
--- request eval: "GET /media/" . main::segment(path => "/other/*") . "/a.txt?x=1&token=eyJ"
--- reasons: wrong_path
--- error_log
crossdomain_media: invalid, reason: wrong_path, key: "jwt", uri: "/media/a.txt?x=1", client: 127.0.0.1
request: "GET /media/~***/a.txt?x=1&token=*** HTTP/1.1"
--- no_error_log
eyJ
--- access_log
"GET /media/~***/a.txt?x=1&token=*** HTTP/1.1" 403
--- no_access_log
eyJ



=== nginx's own errors mask it
--- config eval: $main::Site
--- request eval: "GET /media/" . main::segment() . "/none.txt"
--- error_code: 404
--- error_log eval: qr{open\(\) "\S+/media/none\.txt" failed .* request: "GET /media/~\*\*\*/none\.txt HTTP/1\.1"}
--- no_error_log
eyJ



=== a refusal's page
--- config eval: "$main::Site error_page 403 /denied.html;"
--- request
GET /media/~x/a.txt
--- error_code: 403
--- response_body
sorry
--- response_headers
Cache-Control: no-store



=== a refusal's named location
--- http_config eval: $main::Upstream
--- config eval: "$main::Site location \@app { $main::Proxy; }" =~ s/(location)/crossdomain_media_on missing expired invalid \@app; $1/r
--- request eval: [ map { "GET $_" } "/media/~x/a.txt?y=1", "/media/" . main::segment(exp => 1) . "/a.txt?y=1" ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ ("X-Line: /media/a.txt?y=1") x 2 ]



=== X-Accel-Redirect to where no guard is
--- http_config
    server { listen $TEST_NGINX_UPSTREAM; location / { add_header X-Accel-Redirect /other/a.txt; return 200; } }
--- config eval: "$main::Path location /media/ { $main::Guard $main::Proxy; } location /other/ { internal; }"
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s/a.txt", "/other/$s/a.txt", "/media/~x/a.txt" ]
--- error_code eval: [ 200, 404, 403 ]
--- response_body eval: [ "private other\n", qr/404 Not Found/, qr/403 Forbidden/ ]



=== X-Accel-Redirect to another guarded location is decided by the same token
--- http_config
    server { listen $TEST_NGINX_UPSTREAM; location / { add_header X-Accel-Redirect /other/a.txt; return 200; } }
--- config eval: "$main::Path location /media/ { $main::Guard $main::Proxy; } location /other/ { $main::Guard }"
--- request eval: "GET /media/" . main::segment() . "/a.txt"
--- error_code: 200
--- response_body
private other



=== subrequests: SSI
--- config eval: "$main::Site ssi on; ssi_types text/plain; location /open/ { }"
--- user_files
>>> media/page.txt
[<!--# include virtual="/media/part.txt" --><!--# include virtual="/open/part.txt" -->]
>>> media/part.txt
one
>>> open/part.txt
two
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s/page.txt", "/media/~x/page.txt" ]
--- error_code eval: [ 200, 403 ]
--- response_body eval: [ "[one\ntwo\n]\n", qr/403 Forbidden/ ]



=== subrequests: auth_request
--- http_config eval: $main::Upstream
--- config eval: $main::Site =~ s/(location)/auth_request \/auth; $1/r . "location = /auth { internal; $main::Proxy; }"
--- request eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s/a.txt", "/media/~x/a.txt" ]
--- reasons: valid token_malformed



=== subrequests: a mirror
--- http_config eval
"log_format seen 'mirror saw \$request_uri'; server { listen \$TEST_NGINX_UPSTREAM; access_log logs/access.log seen; location / { return 200; } }"
--- config eval: "$main::Path location /media/ { $main::Guard mirror /mirror; } location = /mirror { internal; $main::Proxy:\$request_uri; }"
--- request eval: "GET /media/" . main::segment() . "/a.txt?x=1"
--- error_code: 200
--- response_body
private
--- wait: 0.1
--- access_log
mirror saw /media/a.txt?x=1



=== HEAD, Range and If-Modified-Since
--- config eval: "if_modified_since before; $main::Site"
--- request eval: my $s = main::segment(); [ "HEAD /media/$s/a.txt", "GET /media/$s/a.txt", "GET /media/$s/a.txt" ]
--- more_headers eval: [ "", "Range: bytes=2-4", "If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT" ]
--- error_code eval: [ 200, 206, 304 ]
--- response_body eval: [ "", "iva", "" ]



=== POST is not let in by the path either
--- config eval: $main::Site
--- request eval: [ "POST /media/~x/a.txt\nbody", "POST /media/" . main::segment() . "/a.txt\nbody" ]
--- error_code eval: [ 403, 405 ]



=== keepalive: what one request carried is not the next one's
--- config eval: "$main::Site location /open/ { }"
--- pipelined_requests eval: my $s = main::segment(); [ map { "GET $_" } "/media/$s/a.txt?x=1", "/media/a.txt", "/open/a.txt", "/media/$s/b.txt", "/media/~x/a.txt", "/open/~x/a.txt", "/media/$s/a.txt" ]
--- error_code eval: [ 200, 302, 200, 200, 403, 404, 200 ]
--- response_body eval: [ "private\n", qr/302 Found/, "open\n", "private b\n", qr/403 Forbidden/, qr/404 Not Found/, "private\n" ]



=== servers with prefixes of their own
--- http_config eval
my $server = sub { my ($name, $token) = @_; "server { listen " . Test::Nginx::Util::server_port() . "; server_name $name; root html; $token location /media/ { $main::Guard $main::Shown } }" };
$server->("a.example.org", "crossdomain_media_token path:a-;") . $server->("b.example.org", "crossdomain_media_token arg:token path:b-;") . $server->("c.example.org", "")
--- config eval: $main::Site
--- request eval: my $t = main::segment() =~ s/~//r; [ map { ("GET /media/a-$t/a.txt", "GET /media/b-$t/a.txt", "GET /media/~$t/a.txt") } 1 .. 4 ]
--- more_headers eval: [ map { ("Host: $_") x 3 } "a.example.org", "b.example.org", "c.example.org", "localhost" ]
--- reasons: valid no_token no_token no_token valid no_token no_token no_token no_token no_token no_token valid



=== servers inherit the prefix of http, or have sources of their own
--- http_config eval
my $server = sub { my ($name, $token) = @_; "server { listen " . Test::Nginx::Util::server_port() . "; server_name $name; root html; $token location /media/ { $main::Guard $main::Shown } }" };
"$main::Path " . $server->("a.example.org", "") . $server->("b.example.org", "crossdomain_media_token arg:token;")
--- config
--- request eval: [ ("GET /media/" . main::segment() . "/a.txt") x 2 ]
--- more_headers eval: [ map { "Host: $_" } "a.example.org", "b.example.org" ]
--- reasons: valid no_token



=== without the source, such a path is like any other
--- config eval: "location /media/ { $main::Guard $main::Shown }"
--- user_files
>>> media/~x/a.txt
private
--- request eval: "GET /media/~x/a.txt?token=" . jwt({ path => "/media/~x/*" })
--- reasons: valid



=== limit_except takes it too
--- config eval: "$main::Path location /media/ { limit_except GET { $main::Guard } }"
--- request eval: my $s = main::segment(); [ "DELETE /media/$s/a.txt", "DELETE /media/~x/a.txt", "GET /media/a.txt", "GET /media/$s/a.txt" ]
--- error_code eval: [ 405, 403, 200, 404 ]



=== a server that is guarded outside its locations
--- config eval: "$main::Path $main::Guard location /media/ { location /media/public/ { crossdomain_media off; } }"
--- request eval: my $s = "~" . jwt({ path => "/*" }); [ map { "GET $_" } "/open/$s/a.txt", "/media/$s/public/p.txt", "/open/~x/a.txt" ]
--- error_code eval: [ 200, 404, 403 ]

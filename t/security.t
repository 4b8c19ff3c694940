# What an attacker would try: paths that are served other than signed, sizes, injections, leaks.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

# Everything from the root on, so that no path escapes by its spelling.
our $Everywhere = <<'CONFIG';
    location / {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        add_header X-Reason "$crossdomain_media_status/$crossdomain_media_reason" always;
    }
CONFIG

our $Parent = <<'CONFIG';
    location / {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key signs=parent;
        add_header X-Reason "$crossdomain_media_status/$crossdomain_media_reason" always;
    }
CONFIG

# A request whose token is signed for what the path means to the application.
sub spelled {
    my ($target, $signed) = @_;
    return "GET $target?" . token_arg($signed // $target);
}

run_tests();

__DATA__

=== dot segments are refused even when they are signed
--- config eval: $main::Everywhere
--- request eval
[ map { main::spelled($_) } "/media/../media/a.txt", "/media/./a.txt", "/media/dir/../a.txt", "/./media/a.txt", "/media/dir/..", "/media/dir/.", "/media/dir/../" ]
--- refused: 403
--- response_headers eval: [ ("X-Reason: invalid/unsafe_path") x 7 ]



=== escaped dot segments are refused even when they are signed
--- config eval: $main::Everywhere
--- request eval
[ main::spelled("/media/%2e%2e/media/a.txt", "/media/../media/a.txt"),
  main::spelled("/media/.%2e/media/a.txt", "/media/../media/a.txt"),
  main::spelled("/media/%2E/a.txt", "/media/./a.txt"),
  main::spelled("/media/dir%2f..%2fa.txt", "/media/dir/../a.txt"),
  main::spelled("/media/dir/%2e%2e%2fa.txt", "/media/dir/../a.txt"),
  main::spelled("/media/%2e%2e/media/a.txt"),
  main::spelled("/media/dir/%2e%2e", "/media/dir/..") ]
--- refused: 403
--- response_headers eval: [ ("X-Reason: invalid/unsafe_path") x 7 ]



=== dots that are no segments are names like others
--- config eval: $main::Everywhere
--- user_files eval: [ map { [ "media/$_", "private\n" ] } "..a.txt", "a..txt", "...", ".hidden" ]
--- request eval: [ map { main::spelled($_) } "/media/..a.txt", "/media/a..txt", "/media/...", "/media/.hidden" ]
--- granted



=== dots in the query are no segments
--- config eval: $main::Everywhere
--- request eval: main::spelled("/media/a.txt") . "&x=/../y"
--- granted



=== a double escape is decoded once: it names a file with a percent sign
--- config eval: $main::Everywhere
--- user_files eval: [ [ "media/%2e%2e", "private\n" ], [ "media/a.txt", "private\n" ] ]
--- request eval: main::spelled("/media/%252e%252e")
--- granted



=== a raw number sign is refused: nginx would cut there and serve another file
--- config eval: $main::Everywhere
--- raw_request eval: raw_get("/media/a.txt#x?" . token_arg("/media/a.txt%23x"))
--- refused: 403
--- response_headers
X-Reason: invalid/unsafe_path



=== a raw number sign is refused though the file that is served is the one signed
--- config eval: $main::Everywhere
--- raw_request eval: raw_get("/media/a.txt#?" . token_arg("/media/a.txt"))
--- refused: 403
--- response_headers
X-Reason: invalid/unsafe_path



=== a raw number sign without a token is no way in
--- config eval: $main::Everywhere
--- raw_request eval: raw_get("/media/a.txt#x")
--- error_code_like: ^(302|403)$
--- response_body_unlike: private



=== a raw number sign after the token is no way in with another path's token
--- config eval: $main::Everywhere
--- raw_request eval: raw_get("/media/a.txt?" . token_arg("/media/b.txt") . "#x")
--- refused: 403



=== an escaped number sign is part of a name
--- config eval: $main::Everywhere
--- user_files eval: [ [ "media/a#b.txt", "private\n" ] ]
--- request eval: main::spelled("/media/a%23b.txt")
--- granted



=== nginx itself answers 400 to a NUL
--- config eval: $main::Everywhere
--- request eval: [ main::spelled("/media/a.txt%00"), main::spelled("/media/a.txt%00.jpg"), main::spelled("/media/%00/../a.txt") ]
--- error_code eval: [ (400) x 3 ]



=== nginx itself answers 400 to a raw control byte
--- config eval: $main::Everywhere
--- raw_request eval: raw_get("/media/a.txt\x01?" . token_arg("/media/a.txt%01"))
--- error_code: 400



=== nginx itself answers 400 to a broken escape
--- config eval: $main::Everywhere
--- request eval: [ map { main::spelled($_) } "/media/%", "/media/%zz", "/media/a%2" ]
--- error_code eval: [ (400) x 3 ]



=== broken escapes in the query harm nobody
--- request eval: "GET " . signed("/media/a.txt") . "&x=%&y=%zz&z=%2"
--- granted



=== bytes that are no UTF-8 are signed as bytes
--- config eval: $main::Everywhere
--- user_files eval: [ [ "media/\xff\xfe.txt", "private\n" ] ]
--- request eval: main::spelled("/media/%FF%FE.txt")
--- granted



=== overlong UTF-8 makes neither dots nor slashes
--- config eval: $main::Everywhere
--- request eval: [ main::spelled("/media/%C0%AE%C0%AE/a.txt"), main::spelled("/media/dir%C0%AFx.txt") ]
--- error_code eval: [ 404, 404 ]
--- response_headers eval: [ ("X-Reason: granted/valid") x 2 ]



=== an escaped slash cannot leave the directory of a parent's token
--- config eval: $main::Parent
--- request eval
[ "GET /media/dir%2Fsub/y.txt?" . token_arg("/media/dir/sub"), "GET /media/dir%2Fsub%2Fy.txt?" . token_arg("/media"), "GET /media%2Fdir/x.txt?" . token_arg("/media/dir") ]
--- refused: 403
--- response_headers eval: [ ("X-Reason: invalid/unsafe_path") x 3 ]



=== a parent's token covers no dot segments
--- config eval: $main::Parent
--- request eval
[ "GET /media/dir/../a.txt?" . token_arg("/media/dir/.."), "GET /media/dir/..?" . token_arg("/media/dir"), "GET /media/dir/sub/../x.txt?" . token_arg("/media/dir/sub/..") ]
--- refused: 403



=== a parent's token ends at a segment
--- config eval: $main::Parent
--- user_files eval: [ [ "media/dir2/x.txt", "private\n" ], [ "media/dir/x.txt", "private\n" ] ]
--- request eval: [ "GET /media/dir2/x.txt?" . token_arg("/media/dir"), "GET /media/dir/x.txt?" . token_arg("/media/di") ]
--- refused: 403



=== a parent's token of the root is not one for everything
--- config eval: $main::Parent
--- user_files eval: [ [ "root.txt", "private\n" ], [ "media/a.txt", "private\n" ] ]
--- request eval: [ "GET /root.txt?" . token_arg(""), "GET /media/a.txt?" . token_arg("") ]
--- error_code eval: [ 200, 403 ]



=== case matters in a path
--- config eval: $main::Everywhere
--- user_files eval: [ [ "media/A.txt", "private\n" ] ]
--- request eval: "GET /media/A.txt?" . token_arg("/media/a.txt")
--- error_code: 403



=== a query that looks like part of the path is none
--- config eval: $main::Everywhere
--- request eval: [ "GET /media/b.txt?/media/a.txt&" . token_arg("/media/a.txt"), "GET /media/b.txt?" . token_arg("/media/b.txt?x=1") . "&x=1" ]
--- refused: 403



=== a token of 8 KB is invalid
--- config
    large_client_header_buffers 4 64k;
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- request eval: [ map { "GET /media/a.txt?token=$_" } "x" x 8192, "1" x 8000 . ":" . "x" x 43, "1r31eq:" . "x" x 8192, "%41" x 3000, ":" x 8192 ]
--- refused: 403



=== a request line at nginx's limit is a redirect, beyond it a 414
--- request eval: [ "GET /media/" . "a" x 8000, "GET /media/" . "a" x 9000 ]
--- error_code eval: [ 302, 414 ]



=== thousands of tokens are one invalid token
--- config
    large_client_header_buffers 4 64k;
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        add_header X-Reason $crossdomain_media_reason always;
        add_header X-Uri $crossdomain_media_uri always;
    }
--- request eval: "GET /media/a.txt?" . CORE::join "&", ("token=x") x 5000
--- refused: 403
--- response_headers
X-Reason: token_repeated
X-Uri: /media/a.txt



=== thousands of arguments are kept in a redirect
--- config
    large_client_header_buffers 4 64k;
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- request eval: "GET /media/a.txt?" . CORE::join "&", map { "a$_=$_" } 1 .. 3000
--- redirected eval: "https://www.example.com/media/a.txt?" . CORE::join "&", map { "a$_=$_" } 1 .. 3000



=== a long path is escaped in full
--- config
    large_client_header_buffers 4 64k;
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- raw_request eval: raw_get("/media/" . "\xff" x 4000)
--- redirected eval: "https://www.example.com/media/" . "%FF" x 4000



=== a Location takes no line breaks from the request
--- config
    location / {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_public_url https://media.example.org;
        add_header X-Uri $crossdomain_media_uri always;
        add_header X-Return $crossdomain_media_return_url always;
    }
--- request
GET /media/%0D%0ASet-Cookie:a=b?x=%0d%0aSet-Cookie:c=d
--- error_code: 302
--- raw_response_headers_unlike: \r\nSet-Cookie



=== a referrer policy or URL cannot be chosen by the viewer
--- request eval: "GET " . signed("/media/a.txt") . "&crossdomain_media=off"
--- more_headers
X-Crossdomain-Media: off
Referrer-Policy: unsafe-url
--- granted



=== a header or a cookie is no source unless it is configured
--- request
GET /media/a.txt
--- more_headers eval: "Authorization: Bearer " . token("/media/a.txt") . "\nCookie: token=" . token("/media/a.txt") . "\nToken: " . token("/media/a.txt")
--- redirected: https://www.example.com/media/a.txt



=== a file that does not exist is no oracle: it is guarded first
--- request eval: [ "GET /media/none.txt", "GET /media/none.txt?token=x", "GET " . signed("/media/none.txt") ]
--- error_code eval: [ 302, 403, 404 ]



=== the page of a refusal tells nothing of the request or the keys
--- request
GET /media/a.txt?token=forged
--- refused: 403
--- response_body_unlike: forged|a\.txt|main|token



=== nginx itself answers 400 to a path that leaves the root
--- config eval: $main::Everywhere
--- request eval: [ "GET /../conf/nginx.conf?" . token_arg("/../conf/nginx.conf"), "GET /%2e%2e/conf/nginx.conf?" . token_arg("/../conf/nginx.conf"), "GET /media/%2e%2e/%2e%2e/conf/nginx.conf?" . token_arg("/media/../../conf/nginx.conf") ]
--- error_code eval: [ (400) x 3 ]



=== a token cannot choose its algorithm by its length
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=a;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key id=b alg=sha1;
    }
--- request eval
[ map { "GET " . signed("/media/a.txt", @$_) } [ key => "main.key" ], [ key => "main.key", alg => "sha1" ], [ key => "old.key" ], [ key => "old.key", alg => "sha1" ] ]
--- error_code eval: [ 200, 403, 403, 200 ]



=== SSI runs with the grant of its page and takes no token with it
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { return 200 "included $request_uri\n"; }
    }
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        ssi on;
    }
    location /inc { proxy_pass http://$TEST_NGINX_UPSTREAM:$request_uri; }
--- user_files eval: [ [ "media/page.html", qq{<!--# include virtual="/inc" -->} ] ]
--- request eval: [ "GET /media/page.html?x=1", "GET " . signed("/media/page.html") . "&x=1" ]
--- error_code eval: [ 302, 200 ]
--- response_body eval: [ qr/302/, "included /media/page.html?x=1\n" ]

# Settings on their way from http to server to location: the child wins, lists are inherited whole
# or not at all, and no way of nesting loses the guard.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

our $Guard = <<'GUARD';
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=main;
GUARD

# Without a token, with one, and with one of another key: what a guard answers.
sub three {
    my ($path) = @_;
    return [ "GET $path", "GET " . signed($path), "GET " . signed($path, key => "other.key") ];
}

run_tests();

__DATA__

=== a guard at http reaches a location
--- http_config eval: $main::Guard
--- config
    location /media/ { }
--- request eval: main::three("/media/a.txt")
--- error_code eval: [ 302, 200, 403 ]



=== a guard at server reaches a location
--- config eval: $main::Guard . "location /media/ { }"
--- request eval: main::three("/media/a.txt")
--- error_code eval: [ 302, 200, 403 ]



=== a guard at server reaches requests that match no location
--- config eval: $main::Guard
--- request eval: main::three("/media/a.txt")
--- error_code eval: [ 302, 200, 403 ]



=== a guard reaches nested locations
--- config eval
"location /media/ { $main::Guard location /media/dir/ { location /media/dir/sub/ { } } }"
--- request eval: main::three("/media/dir/sub/y.txt")
--- error_code eval: [ 302, 200, 403 ]



=== a guard reaches a regex location inside
--- config eval
"location /media/ { $main::Guard location ~ \\.txt\$ { } }"
--- request eval: main::three("/media/a.txt")
--- error_code eval: [ 302, 200, 403 ]



=== a guard reaches an exact location inside
--- config eval
"location /media/ { $main::Guard location = /media/a.txt { } }"
--- request eval: main::three("/media/a.txt")
--- error_code eval: [ 302, 200, 403 ]



=== a regex location may be guarded itself
--- config eval
"location ~ ^/media/(?<name>.+)\$ { $main::Guard alias html/media/\$name; }"
--- request eval: main::three("/media/a.txt")
--- error_code eval: [ 302, 200, 403 ]



=== alias serves what was signed
--- config eval
"location /files/ { $main::Guard alias html/media/; }"
--- request eval: main::three("/files/a.txt")
--- error_code eval: [ 302, 200, 403 ]



=== root serves what was signed
--- config eval
"location /dir/ { $main::Guard root html/media; }"
--- request eval: main::three("/dir/x.txt")
--- error_code eval: [ 302, 200, 403 ]



=== an if block in a location keeps the guard
--- config eval
"location /media/ { $main::Guard if (\$arg_x) { add_header X-If yes; } }"
--- request eval
[ "GET /media/a.txt?x=1", "GET " . signed("/media/a.txt") . "&x=1", "GET " . signed("/media/a.txt", key => "other.key") . "&x=1" ]
--- error_code eval: [ 302, 200, 403 ]
--- response_headers eval: [ "! X", "X-If: yes", "! X" ]



=== an if block in a location keeps a server's guard
--- config eval
"$main::Guard location /media/ { if (\$arg_x) { add_header X-If yes; } }"
--- request eval
[ "GET /media/a.txt?x=1", "GET " . signed("/media/a.txt") . "&x=1" ]
--- error_code eval: [ 302, 200 ]



=== an if block in a server keeps the guard
--- config eval
"$main::Guard if (\$arg_x) { set \$y 1; } location /media/ { }"
--- request eval
[ "GET /media/a.txt?x=1", "GET " . signed("/media/a.txt") . "&x=1" ]
--- error_code eval: [ 302, 200 ]



=== a rewrite into a guarded location is guarded
--- config eval
"location /open/ { rewrite ^/open/(.*)\$ /media/\$1 last; } location /media/ { $main::Guard }"
--- request eval: [ "GET /open/a.txt", "GET " . signed("/open/a.txt"), "GET /open/a.txt?" . token_arg("/media/a.txt") ]
--- error_code eval: [ 302, 200, 403 ]



=== a rewrite ... break keeps the location's guard
--- config eval
"location /open/ { $main::Guard rewrite ^/open/(.*)\$ /media/\$1 break; }"
--- request eval: main::three("/open/a.txt")
--- error_code eval: [ 302, 200, 403 ]



=== limit_except keeps the guard for the methods it limits
--- config eval
"location /media/ { $main::Guard limit_except GET { allow all; } }"
--- request eval
[ "GET /media/a.txt", "DELETE /media/a.txt", "DELETE /media/a.txt?token=x", "DELETE " . signed("/media/a.txt") ]
--- error_code eval: [ 302, 302, 403, 405 ]



=== limit_except may guard other methods only
--- config eval
"location /media/ { limit_except GET HEAD { $main::Guard } }"
--- request eval
[ "GET /media/a.txt", "DELETE /media/a.txt", "DELETE " . signed("/media/a.txt") ]
--- error_code eval: [ 200, 302, 405 ]



=== limit_except may open other methods only
--- config eval
"location /media/ { $main::Guard limit_except GET { crossdomain_media off; } }"
--- request eval: [ "GET /media/a.txt", "DELETE /media/a.txt" ]
--- error_code eval: [ 302, 405 ]



=== limit_except may have keys of its own
--- config eval
"location /media/ { $main::Guard limit_except GET { crossdomain_media_key \$TEST_NGINX_KEYS_DIR/other.key; } }"
--- request eval
[ "GET " . signed("/media/a.txt"), "DELETE " . signed("/media/a.txt"), "DELETE " . signed("/media/a.txt", key => "other.key") ]
--- error_code eval: [ 200, 403, 405 ]



=== off at server opens what http guards
--- http_config eval: $main::Guard
--- config
    crossdomain_media off;
    location /media/ { }
--- request
GET /media/a.txt
--- error_code: 200
--- response_headers
! Referrer-Policy
! Cache-Control



=== off at location opens what server guards, and nothing else
--- config eval: "$main::Guard location /media/public/ { crossdomain_media off; } location /media/ { }"
--- request eval: [ "GET /media/public/p.txt", "GET /media/a.txt" ]
--- error_code eval: [ 200, 302 ]



=== off is inherited by nested locations
--- config eval: "$main::Guard location /media/ { crossdomain_media off; location /media/dir/ { } }"
--- request eval: [ "GET /media/dir/x.txt", "GET /media/a.txt", "GET /open/a.txt" ]
--- error_code eval: [ 200, 200, 302 ]



=== a location inside off may be guarded again, with the keys from above
--- config eval
"$main::Guard location /media/ { crossdomain_media off; location /media/dir/ { crossdomain_media https://app.example.com; } }"
--- request eval: [ "GET /media/a.txt", "GET /media/dir/x.txt", "GET " . signed("/media/dir/x.txt") ]
--- error_code eval: [ 200, 302, 200 ]
--- response_headers eval: [ "! Location", "Location: https://app.example.com/media/dir/x.txt", "! Location" ]



=== an unset location between guard and file changes nothing
--- config eval: "$main::Guard location / { location /media/ { root html; } }"
--- request eval: main::three("/media/a.txt")
--- error_code eval: [ 302, 200, 403 ]



=== the child's URL wins
--- config eval: "$main::Guard location /media/dir/ { crossdomain_media https://app.example.com; }"
--- request eval: [ "GET /media/a.txt", "GET /media/dir/x.txt" ]
--- error_code eval: [ 302, 302 ]
--- response_headers eval: [ "Location: https://www.example.com/media/a.txt", "Location: https://app.example.com/media/dir/x.txt" ]



=== a child's keys replace its parent's, and add nothing
--- config eval
"$main::Guard location /media/dir/ { crossdomain_media_key \$TEST_NGINX_KEYS_DIR/other.key; }"
--- request eval
[ map { my $path = $_; map { "GET " . signed($path, key => $_) } "main.key", "other.key" } "/media/a.txt", "/media/dir/x.txt" ]
--- error_code eval: [ 200, 403, 403, 200 ]



=== the same id may name another key on another level
--- config eval
"$main::Guard location /media/dir/ { crossdomain_media_key \$TEST_NGINX_KEYS_DIR/other.key id=main; }"
--- request eval: [ "GET " . signed("/media/a.txt"), "GET " . signed("/media/dir/x.txt", key => "other.key") ]
--- granted
--- response_body eval: [ "private\n", "private x\n" ]



=== keys at http serve guards at location
--- http_config
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
--- config
    location /media/ { crossdomain_media https://www.example.com; }
    location /open/ { }
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt"), "GET /open/a.txt" ]
--- error_code eval: [ 302, 200, 200 ]



=== a guard at server and keys in its locations: outside them it is a 500
--- config
    crossdomain_media https://www.example.com;
    location /media/ { crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key; }
--- request eval: [ "GET " . signed("/media/a.txt"), "GET /media/a.txt", "GET /open/a.txt", "GET " . signed("/open/a.txt") ]
--- error_code eval: [ 200, 302, 500, 500 ]
--- response_body eval: [ "private\n", qr/302/, qr/500/, qr/500/ ]



=== the token's name is inherited, and replaced whole
--- config eval
"$main::Guard crossdomain_media_token arg:t arg:u; location /media/ { } location /media/dir/ { crossdomain_media_token arg:v; }"
--- request eval
my ($a, $x) = map { percent(token($_)) } "/media/a.txt", "/media/dir/x.txt";
[ "GET /media/a.txt?t=$a", "GET /media/a.txt?u=$a", "GET /media/a.txt?v=$a", "GET /media/dir/x.txt?v=$x", "GET /media/dir/x.txt?t=$x" ]
--- error_code eval: [ 200, 200, 302, 200, 302 ]



=== crossdomain_media_on is inherited class by class
--- config eval
"$main::Guard crossdomain_media_on missing 401; crossdomain_media_on expired 410;
 location /media/dir/ { crossdomain_media_on missing 404; location /media/dir/sub/ { crossdomain_media_on invalid 451; } }"
--- request eval
[ map { my $path = $_; ("GET $path", "GET " . signed($path, at => -5000), "GET $path?token=x") } "/media/a.txt", "/media/dir/x.txt", "/media/dir/sub/y.txt" ]
--- error_code eval: [ 401, 410, 403,  404, 410, 403,  404, 410, 451 ]



=== a child may return a class to its default action
--- config eval
"$main::Guard crossdomain_media_on missing invalid 404; location /media/dir/ { crossdomain_media_on missing redirect; crossdomain_media_on invalid 403; }"
--- request eval: [ "GET /media/a.txt", "GET /media/dir/x.txt", "GET /media/dir/x.txt?token=x" ]
--- error_code eval: [ 404, 302, 403 ]



=== single values are inherited, and the child's wins
--- config eval
<<"CONFIG";
    $main::Guard
    crossdomain_media_max_age 1h;
    crossdomain_media_leeway 1h;
    crossdomain_media_redirect_code 307;
    crossdomain_media_public_url https://one.example.org;
    crossdomain_media_strip off;
    crossdomain_media_referrer_policy origin;
    location /media/ {
        add_header X-Return \$crossdomain_media_return_url always;
        add_header X-Args "\$args." always;
    }
    location /media/dir/ {
        crossdomain_media_max_age 1s;
        crossdomain_media_leeway 0;
        crossdomain_media_redirect_code 303;
        crossdomain_media_public_url https://two.example.org;
        crossdomain_media_strip on;
        crossdomain_media_referrer_policy off;
        add_header X-Return \$crossdomain_media_return_url always;
        add_header X-Args "\$args." always;
    }
CONFIG
--- request eval
[ "GET " . signed("/media/a.txt", at => -7000), "GET /media/a.txt", "GET " . signed("/media/dir/x.txt", at => -100) ]
--- error_code eval: [ 200, 307, 303 ]
--- response_headers eval
[ "Referrer-Policy: origin\nX-Return: https%3A%2F%2Fone.example.org%2Fmedia%2Fa.txt",
  "Referrer-Policy: origin\nX-Args: .",
  "! Referrer-Policy\nX-Return: https%3A%2F%2Ftwo.example.org%2Fmedia%2Fdir%2Fx.txt\nX-Args: ." ]



=== strip off is inherited
--- config eval
"$main::Guard crossdomain_media_strip off; location /media/ { add_header X-Args \$args; }"
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- response_headers_like
X-Args: token=.+
Referrer-Policy: no-referrer



=== dry_run is inherited, and may be switched off inside
--- config eval
"$main::Guard crossdomain_media_dry_run on; location /media/ { } location /media/dir/ { crossdomain_media_dry_run off; }"
--- request eval: [ "GET /media/a.txt", "GET /media/dir/x.txt" ]
--- error_code eval: [ 200, 302 ]



=== another server is not guarded by this one
--- http_config eval
"server { listen \$TEST_NGINX_UPSTREAM; $main::Guard location / { } }"
--- config
    location /media/ { }
    location /through/ { proxy_pass http://$TEST_NGINX_UPSTREAM:/; }
--- request eval: [ "GET /media/a.txt", "GET /through/media/a.txt" ]
--- error_code eval: [ 200, 302 ]

# crossdomain_media_dry_run: everything is decided and told, and everything is let through.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

sub dry {
    my ($more) = @_;
    return <<"CONFIG";
        location /media/ {
            crossdomain_media https://www.example.com;
            crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key id=main;
            crossdomain_media_dry_run on;
            add_header X-Verdict "\$crossdomain_media_status/\$crossdomain_media_reason" always;
            add_header X-Uri "[\$crossdomain_media_uri]" always;
            @{[ $more // '' ]}
        }
CONFIG
}

run_tests();

__DATA__

=== nobody is refused, and the verdict is told
--- config eval: main::dry()
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt", at => -5000), "GET /media/a.txt?token=x", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ (200) x 4 ]
--- response_body eval: [ ("private\n") x 4 ]
--- response_headers eval
[ map { "X-Verdict: $_\n! Cache-Control\n! Location" } "missing/no_token", "expired/token_expired", "invalid/token_malformed", "granted/valid" ]



=== every refusal that would have been is logged
--- config eval: main::dry()
--- request eval: "GET " . signed("/media/a.txt", at => -5000) . "&x=1"
--- error_code: 200
--- error_log eval
qr{crossdomain_media: dry run, expired, reason: token_expired, key: "main", age: 50\d\ds, uri: "/media/a\.txt\?x=1", client: }



=== a grant is logged in a dry run as little as otherwise
--- config eval: main::dry()
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- no_error_log eval: $Media::Logged



=== a named action is not taken
--- config eval: main::dry('crossdomain_media_on missing @app;') . 'location @app { return 200 "app\n"; }'
--- request
GET /media/a.txt
--- response_headers
X-Verdict: missing/no_token
--- response_body
private



=== the token is taken out all the same
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { return 200 "$request_uri\n"; }
    }
--- config eval: main::dry('proxy_pass http://$TEST_NGINX_UPSTREAM;')
--- request
GET /media/a.txt?token=x&x=1
--- response_body
/media/a.txt?x=1



=== other modules still refuse
--- config eval: main::dry("deny all;")
--- request
GET /media/a.txt
--- error_code: 403
--- response_headers
X-Uri: [/media/a.txt]
--- response_body_unlike: private



=== under satisfy any a dry run does not open what others close
--- config eval: main::dry("satisfy any; deny all;")
--- request
GET /media/a.txt
--- error_code: 403
--- response_headers
X-Uri: [/media/a.txt]
--- response_body_unlike: private



=== under satisfy any a dry run changes nothing: a good token does not open what others close either
--- config eval: main::dry("satisfy any; deny all;")
--- request eval: "GET " . signed("/media/a.txt")
--- error_code: 403
--- response_headers
X-Uri: [/media/a.txt]
--- response_body_unlike: private



=== a URL that is none is told, and let through
--- config
    location /media/ {
        set $app nonsense;
        crossdomain_media $app;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_dry_run on;
    }
--- request
GET /media/a.txt
--- error_code: 200
--- error_log
[error]
crossdomain_media: the URL evaluates to "nonsense"

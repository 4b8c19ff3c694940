# $crossdomain_media_*: what the guard decided, for headers, logs and maps.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

sub shown {
    my ($more) = @_;
    return <<"CONFIG";
        location /media/ {
            crossdomain_media https://www.example.com;
            crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key id=main;
            add_header X-Verdict "\$crossdomain_media_status/\$crossdomain_media_reason" always;
            add_header X-Claims "[\$crossdomain_media_key_id][\$crossdomain_media_expires][\$crossdomain_media_remaining]" always;
            add_header X-Uri "[\$crossdomain_media_uri]" always;
            add_header X-Return "[\$crossdomain_media_return_url]" always;
            @{[ $more // '' ]}
        }
CONFIG
}

run_tests();

__DATA__

=== a verdict and its reason
--- config eval: main::shown()
--- request eval
my $good = token_arg("/media/a.txt");
[ map { "GET /media/a.txt$_" } "?$good", "", "?" . token_arg("/media/a.txt", at => -5000), "?token=x:y:z", "?token=", "?$good&$good", "?" . token_arg("/media/b.txt") ]
--- error_code eval: [ 200, 302, 302, 403, 403, 403, 403 ]
--- response_headers eval
[ map { "X-Verdict: $_" } "granted/valid", "missing/no_token", "expired/token_expired", "invalid/token_malformed", "invalid/token_empty", "invalid/token_repeated", "invalid/bad_signature" ]



=== claims are set on a grant
--- config eval: main::shown("crossdomain_media_max_age 1h;")
--- request eval: "GET " . signed("/media/a.txt", at => -600)
--- granted
--- response_headers_like
X-Claims: \[main\]\[1\d{9}\]\[(2[89]\d\d|3000)\]



=== the time of expiry is the token's birth and its life, leeway included or not
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_max_age 1000000000s;
        add_header X-Expires $crossdomain_media_expires;
    }
--- request eval: "GET " . signed("/media/a.txt", born => base62(1700000000))
--- granted
--- response_headers
X-Expires: 2700000000



=== claims are empty on a refusal, even when the signature held
--- config eval: main::shown()
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt", at => -5000), "GET /media/a.txt?token=x" ]
--- error_code eval: [ 302, 302, 403 ]
--- response_headers eval: [ ("X-Claims: [][][]") x 3 ]



=== all are empty where the guard is off
--- config
    location /media/ {
        add_header X-All "[$crossdomain_media_status$crossdomain_media_reason$crossdomain_media_key_id$crossdomain_media_expires$crossdomain_media_remaining]";
    }
    location /open/ {
        crossdomain_media off;
        add_header X-All "[$crossdomain_media_status$crossdomain_media_reason$crossdomain_media_key_id$crossdomain_media_expires$crossdomain_media_remaining]";
    }
--- request eval: [ "GET " . signed("/media/a.txt"), "GET " . signed("/open/a.txt") ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ "X-All: []", "X-All: []" ]



=== all are empty where a variable switched the guard off
--- config
    location /open/ {
        set $url off;
        crossdomain_media $url;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        add_header X-Verdict "[$crossdomain_media_status$crossdomain_media_reason]";
    }
--- request
GET /open/a.txt
--- response_headers
X-Verdict: []



=== the target is told without the token, as it was spelled
--- config eval: main::shown()
--- request eval
my $good = token_arg("/media/a.txt");
[ map { "GET /media/%61.txt$_" } "?$good", "?x=1&$good&y=%20", "", "?token=x&x=1", "?x=1" ]
--- error_code eval: [ 200, 200, 302, 403, 302 ]
--- response_headers eval
[ map { "X-Uri: [$_]" } "/media/%61.txt", "/media/%61.txt?x=1&y=%20", "/media/%61.txt", "/media/%61.txt?x=1", "/media/%61.txt?x=1" ]



=== the target is told without the token though strip is off
--- config eval: main::shown("crossdomain_media_strip off;")
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_headers
X-Uri: [/media/a.txt?x=1]



=== there is no return URL without a public URL
--- config eval: main::shown()
--- request
GET /media/a.txt
--- error_code: 302
--- response_headers
X-Return: []



=== the return URL is escaped as a query value
--- config eval: main::shown("crossdomain_media_public_url https://media.example.org;")
--- request eval: [ "GET /media/a%20b.txt?token=x&a=1&b=+;c", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 403, 200 ]
--- response_headers eval
[ "X-Return: [https%3A%2F%2Fmedia.example.org%2Fmedia%2Fa%2520b.txt%3Fa%3D1%26b%3D%2B%3Bc]", "X-Return: [https%3A%2F%2Fmedia.example.org%2Fmedia%2Fa.txt]" ]



=== the return URL is made of the public URL, never of the Host header
--- config eval: main::shown("crossdomain_media_public_url http://media.localhost:8080;")
--- request
GET /media/a.txt
--- more_headers
Host: evil.example
--- error_code: 302
--- response_headers
X-Return: [http%3A%2F%2Fmedia.localhost%3A8080%2Fmedia%2Fa.txt]



=== the access log sees the verdict
--- http_config
    log_format verdict 'verdict: $crossdomain_media_status $crossdomain_media_reason $crossdomain_media_key_id';
--- config eval: main::shown("access_log logs/access.log verdict;")
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- access_log
verdict: granted valid main



=== a rewrite-phase reader sees no verdict yet, and spoils none
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        set $early "$crossdomain_media_status";
        add_header X-Early "[$early]";
        add_header X-Late $crossdomain_media_status;
    }
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- response_headers
X-Early: []
X-Late: granted



=== under satisfy any an unasked guard has no verdict
--- config eval: main::shown("satisfy any; allow all;")
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- error_code: 200
--- response_headers
X-Verdict: /
X-Uri: [/media/a.txt?x=1]



=== a skew does not count as life: remaining is told for a token of the future
--- config eval: main::shown("crossdomain_media_max_age 1h;")
--- request eval: "GET " . signed("/media/a.txt", at => 600)
--- granted
--- response_headers_like
X-Claims: \[main\]\[1\d{9}\]\[4[12]\d\d\]

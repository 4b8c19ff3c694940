# One block per bug that was found, so that it stays fixed.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

use Digest::SHA ();
use MIME::Base64 ();

# A guarded location with further directives.
sub guarded {
    my ($more) = @_;
    return <<"CONFIG";
        location /media/ {
            crossdomain_media https://www.example.com;
            crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key;
            $more
        }
CONFIG
}

# The same with another URL.
sub to {
    my ($url, $more) = @_;
    return guarded($more // '') =~ s{https://www\.example\.com}{$url}r;
}

# Writes conf/NAME, from --- post_setup_server_root.
sub key_file {
    my ($name, $text) = @_;
    my $path = "$ENV{TEST_NGINX_SERVER_ROOT}/conf/$name";
    open my $out, '>:raw', $path or die "$path: $!";
    print {$out} $text;
    close $out or die "$path: $!";
    chmod 0600, $path or die "$path: $!";
}

# A secret whose derived key ends in a carriage return.
sub secret_with_cr {
    my $number = 0;
    $number++ until derived("test-only-$number") =~ /\r\z/;
    return "test-only-$number";
}

# As Django derives a TimestampSigner's key.
sub derived {
    my ($secret) = @_;
    return Digest::SHA::sha256("django.core.signing.TimestampSignersigner$secret");
}

# user:secret, and what is served.
our @Files = (
    [ '../conf/passwd',  'user:{PLAIN}secret' . "\n" ],
    [ 'media/a.txt',     "private\n" ],
    [ 'open/a.txt',      "open\n" ],
    [ 'denied.html',     "sorry\n" ],
);

our $Basic = 'satisfy any; auth_basic realm; auth_basic_user_file passwd;';
our $Deny = 'satisfy any; deny all;';

# Every other location of a block, open.
our $Pages = 'location @open { try_files /open/a.txt =404; } location = /denied.html { }';

our $Statuses = 'expected redirect, a status from 400 to 599 other than 408, 494 to 497 and 499, '
    . 'which nginx answers in its own way, or a named location such as @app in';

our $Client = 'the client would choose where to be redirected';
our $Part = 'a variable may stand for the whole host or its beginning, not for its end';

run_tests();

__DATA__

=== a 500 of the guard's own is not for caches either
--- config
    location /media/ {
        crossdomain_media $app;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        set $app "";
        add_header Cache-Control "public, max-age=60" always;
    }
--- request
GET /media/a.txt
--- refused: 500



=== a request that limit_req refuses is logged without its token
--- http_config
    limit_req_zone all zone=slow:1m rate=1r/m;
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        limit_req zone=slow;
    }
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=forged" ]
--- error_code eval: [ 302, 503 ]
--- no_access_log
forged
--- no_error_log eval: qr/\[error\] .*forged/



=== after an internal redirect the other location's arguments are masked as well
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        try_files /none /other/a.txt;
    }
    location /other/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_token arg:sig;
    }
--- request eval: "GET " . signed("/media/a.txt") . "&sig=forged"
--- refused: 403
--- access_log eval: qr/token=\*\*\*&sig=\*\*\* HTTP/
--- no_access_log
forged



=== an empty path costs the arguments no byte
--- http_config
    log_format args '[$args] [$request_uri] [$crossdomain_media_uri]';
--- config
    location = / {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        access_log logs/access.log args;
    }
--- raw_request eval
"GET http://media.example.org?page=2&xtoken=a&token=forged HTTP/1.1\r\nHost: media.example.org\r\nConnection: close\r\n\r\n"
--- refused: 403
--- access_log eval: qr{\[page=2&xtoken=a\] \[/\?page=2&xtoken=a\] \[/\?page=2&xtoken=a\]}



=== a scheme that the client sends does not bring a host
--- http_config
    map $server_port $site { default www.example.com; }
--- config eval: main::to('$http_x_forwarded_proto://$site')
--- must_die
--- error_log
the client would choose where to be redirected



=== an exemption does not wait for post_action
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        post_action /other/a.txt;
    }
    location /other/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_log_level error;
    }
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- wait: 0.2
--- error_log eval: qr/\[error\] .*crossdomain_media: missing, reason: no_token/



=== what has been masked before an internal redirect is not cut after it
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_dry_run on;
        try_files /none /other/a.txt;
    }
    location /other/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- request
GET /media/a.txt?token=forged
--- refused: 403
--- access_log eval: qr{"GET /media/a\.txt\?token=\*\*\* HTTP/1\.1"}
--- no_access_log
forged



=== a space from a variable is escaped in a Location, and is no 500
--- config
    location /media/ {
        crossdomain_media https://www.example.com/login?next=$uri;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- request
GET /media/a%20b.txt
--- redirected: https://www.example.com/login?next=/media/a%20b.txt



=== an empty name of a key file is an error, and no crash
--- config
    location /media/ { crossdomain_media https://www.example.com; crossdomain_media_key ""; }
--- must_die
--- error_log
[emerg]
crossdomain_media_key: "": expected the name of a file in



=== satisfy any, a denied address: the named location of an action answers
--- config eval: main::guarded("$main::Deny crossdomain_media_on missing \@open;") . $main::Pages
--- user_files eval: \@main::Files
--- request
GET /media/a.txt
--- error_code: 200
--- response_headers
! WWW-Authenticate
! Location
--- response_body
open



=== satisfy any, a denied address: an action's status is answered, with its page
--- config eval: main::guarded("$main::Deny crossdomain_media_on missing 404; error_page 404 /denied.html;") . $main::Pages
--- user_files eval: \@main::Files
--- request
GET /media/a.txt
--- refused: 404
--- response_headers
! WWW-Authenticate
--- response_body
sorry



=== satisfy any, a denied address: a redirect is one, and asks for no password
--- config eval: main::guarded("$main::Deny crossdomain_media_on missing redirect;")
--- user_files eval: \@main::Files
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- response_headers
! WWW-Authenticate



=== satisfy any, a denied address: a redirect finds its page
--- config eval: main::guarded("$main::Deny error_page 302 /denied.html;") . $main::Pages
--- user_files eval: \@main::Files
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- response_headers
! WWW-Authenticate
--- response_body
sorry



=== satisfy any, auth_basic: the named location of an action answers
--- config eval: main::guarded("$main::Basic crossdomain_media_on missing \@open;") . $main::Pages
--- user_files eval: \@main::Files
--- request
GET /media/a.txt
--- error_code: 200
--- response_headers
! WWW-Authenticate
! Location
--- response_body
open



=== satisfy any, auth_basic: an action's status is answered, with its page
--- config eval: main::guarded("$main::Basic crossdomain_media_on missing 404; error_page 404 /denied.html;") . $main::Pages
--- user_files eval: \@main::Files
--- request
GET /media/a.txt
--- refused: 404
--- response_headers
! WWW-Authenticate
--- response_body
sorry



=== satisfy any, auth_basic: a redirect is one, and asks for no password
--- config eval: main::guarded("$main::Basic crossdomain_media_on missing redirect;")
--- user_files eval: \@main::Files
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- response_headers
! WWW-Authenticate



=== satisfy any, auth_basic: a redirect finds its page
--- config eval: main::guarded("$main::Basic error_page 302 /denied.html;") . $main::Pages
--- user_files eval: \@main::Files
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- response_headers
! WWW-Authenticate
--- response_body
sorry



=== satisfy any, a denied address: a 403 of the guard's is one
--- config eval: main::guarded("$main::Deny crossdomain_media_on missing 403;")
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=x" ]
--- refused: 403
--- response_headers eval: [ ("! WWW-Authenticate") x 2 ]



=== satisfy any, auth_basic: a 401 or 403 of the guard's asks for the password
--- config eval: main::guarded("$main::Basic crossdomain_media_on missing 401;")
--- user_files eval: \@main::Files
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=x" ]
--- refused: 401
--- response_headers eval: [ (qq{WWW-Authenticate: Basic realm="realm"}) x 2 ]



=== a variable that the client sets cannot add to the host
--- config eval: main::to('https://www.example.com$arg_r')
--- request
GET /media/a.txt?r=.evil.example
--- refused: 500
--- error_log
crossdomain_media: the URL evaluates to "https://www.example.com.evil.example": expected the host as configured



=== a $uri that a rewrite has left without its slash cannot add to the host
--- config eval: main::to('https://www.example.com$uri', 'rewrite ^/media/(.*)$ $1 break;')
--- raw_request eval: raw_get("/media/.evil.example/")
--- refused: 500
--- error_log
expected the host as configured



=== crossdomain_media: the client would choose https://$HOST
--- config eval: main::to('https://$HOST')
--- must_die
--- error_log eval: "crossdomain_media: " . 'https://$HOST' . ": $main::Client"



=== crossdomain_media: the client would choose $scheme://$HOST
--- config eval: main::to('$scheme://$HOST')
--- must_die
--- error_log eval: "crossdomain_media: " . '$scheme://$HOST' . ": $main::Client"



=== crossdomain_media: the client would choose https://$arg_h
--- config eval: main::to('https://$arg_h')
--- must_die
--- error_log eval: "crossdomain_media: " . 'https://$arg_h' . ": $main::Client"



=== crossdomain_media: the client would choose $arg_u
--- config eval: main::to('$arg_u')
--- must_die
--- error_log eval: "crossdomain_media: " . '$arg_u' . ": $main::Client"



=== crossdomain_media: the client would choose https://$cookie_h/
--- config eval: main::to('https://$cookie_h/')
--- must_die
--- error_log eval: "crossdomain_media: " . 'https://$cookie_h/' . ": $main::Client"



=== crossdomain_media: the client would choose $1
--- config eval: main::to('$1')
--- must_die
--- error_log eval: "crossdomain_media: " . '$1' . ": $main::Client"



=== crossdomain_media: a variable for a part of the host, https://www.$domain/
--- config eval: main::to('https://www.$domain/', 'set $domain example.com; set $port 443;')
--- must_die
--- error_log eval: "crossdomain_media: " . 'https://www.$domain/' . ": $main::Part"



=== crossdomain_media: a variable for a part of the host, https://www.example.com:$port
--- config eval: main::to('https://www.example.com:$port', 'set $domain example.com; set $port 443;')
--- must_die
--- error_log eval: "crossdomain_media: " . 'https://www.example.com:$port' . ": $main::Part"



=== a capture that ends the host early leads nowhere
--- config eval
my $to = main::to('https://$tenant.example.com');
$to =~ s{location /media/}{location ~ ^/media/(?<tenant>[^/]+)/};
$to
--- request eval
[ "GET /media/evil.example%23/a.txt", "GET /media/evil.example%3F/a.txt", "GET /media/acme/a.txt" ]
--- error_code eval: [ 500, 500, 302 ]
--- response_headers eval
[ "!Location", "!Location", "Location: https://acme.example.com/media/acme/a.txt" ]



=== a client cannot add to the host behind a scheme from a map
--- http_config
    map $http_x_forwarded_proto $proto { default http; https https; }
--- config eval: main::to('$proto://www.example.com$arg_r')
--- request
GET /media/a.txt?r=.evil.example
--- refused: 500



=== crossdomain_media: no scheme of the web, ftp://$x
--- config eval: main::to('ftp://$x', 'set $x example.com;')
--- must_die
--- error_log eval: "crossdomain_media: " . 'ftp://$x' . ": expected a URL that starts with http:// or https://"



=== crossdomain_media: no scheme of the web, www.example.com$uri
--- config eval: main::to('www.example.com$uri', 'set $x example.com;')
--- must_die
--- error_log eval: "crossdomain_media: " . 'www.example.com$uri' . ": expected a URL that starts with http:// or https://"



=== crossdomain_media: a user name before a variable
--- config eval: main::to('https://u@$x', 'set $x example.com;')
--- must_die
--- error_log
crossdomain_media: https://u@$x: expected a host name or address, and perhaps a port, after the scheme



=== a host may come from a map
--- http_config
    map $server_name $site { localhost www.example.com; }
--- config eval: main::to('https://$site/login')
--- request
GET /media/a.txt
--- redirected: https://www.example.com/login



=== the machine's own name may be the host
--- config eval: main::to('https://$hostname') . 'location /open/ { }'
--- request
GET /open/a.txt
--- error_code: 200



=== $request_uri in the URL holds no token
--- config eval: main::to('https://www.example.com$request_uri')
--- request eval: [ "GET " . signed("/media/a.txt", at => -5000) . "&x=1", "GET /media/a.txt?x=1" ]
--- redirected: https://www.example.com/media/a.txt?x=1



=== neither $request_uri nor the token's own variable brings the token back
--- config eval: main::to('https://www.example.com/login?next=$request_uri&t=$arg_token&a=$args&l=$request')
--- request eval: "GET " . signed("/media/a.txt", at => -5000) . "&x=1"
--- redirected: https://www.example.com/login?next=/media/a.txt?x=1&t=&a=x=1&l=GET%20/media/a.txt?token=***&x=1%20HTTP/1.1



=== where the URL is off the request is what the client sent
--- http_config
    map $host $application { default off; }
    log_format uris 'uris: $request_uri | $args | $request';
--- config eval: main::to('$application', 'access_log logs/access.log uris; add_header X-Seen "$request_uri|$args|$request|$arg_token";')
--- request
GET /media/a.txt?token=forged&x=1
--- error_code: 200
--- response_headers
X-Seen: /media/a.txt?token=forged&x=1|token=forged&x=1|GET /media/a.txt?token=forged&x=1 HTTP/1.1|forged
! Referrer-Policy
--- response_body
private
--- access_log
uris: /media/a.txt?token=forged&x=1 | token=forged&x=1 | GET /media/a.txt?token=forged&x=1 HTTP/1.1



=== a backslash from a variable stays in the query of a Location
--- config eval: main::to('https://www.example.com/login?next=$uri')
--- raw_request eval: raw_get("/media/a%20b%5Cc.txt")
--- redirected: https://www.example.com/login?next=/media/a%20b\c.txt



=== a control byte from a variable is a 500
--- config eval: main::to('https://www.example.com/login?next=$uri')
--- raw_request eval: raw_get("/media/a%0aX:%20y.txt")
--- refused: 500
--- error_log
holds a control byte



=== an exemption ends with a rewrite in the named location
--- config eval
main::guarded('crossdomain_media_on missing 403;') . <<'CONFIG'
    location /open/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on missing @lp;
    }
    location @lp { rewrite ^ /media/a.txt last; }
CONFIG
--- request
GET /open/a.txt
--- refused: 403



=== an exemption ends with a rewrite that leads back
--- config eval: main::guarded('crossdomain_media_on missing @lp;') . 'location @lp { rewrite ^ /media/a.txt last; }'
--- request
GET /media/a.txt
--- error_code: 500
--- response_body_unlike: private
--- error_log
cycle



=== an exemption does not wait for a page of the named location
--- config eval
main::guarded('crossdomain_media_on missing @l;')
    . 'location @l { recursive_error_pages on; error_page 404 /media/a.txt; return 404; }'
--- request
GET /media/a.txt
--- error_code_like: ^(?:404|500)$
--- response_body_unlike: private



=== an exemption does not wait for the page of a page
--- config eval
main::guarded('crossdomain_media_on missing 404; error_page 404 /r; recursive_error_pages on;')
    . 'location = /r { recursive_error_pages on; error_page 410 /media/a.txt; return 410; }'
--- request
GET /media/a.txt
--- error_code_like: ^(?:404|410|500)$
--- response_body_unlike: private



=== a token in the URL is not shown to other sites though another module grants
--- config eval: main::guarded('satisfy any; allow all;')
--- request eval: [ "GET /media/a.txt?token=x", "GET " . signed("/media/a.txt"), "GET /media/a.txt" ]
--- error_code eval: [ 200, 200, 200 ]
--- response_headers eval: [ ("Referrer-Policy: no-referrer") x 2, "! Referrer-Policy" ]



=== a token in the URL is not shown to other sites though another module refuses
--- config eval: main::guarded('deny all;')
--- request eval: [ "GET /media/a.txt?token=x", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 403, 403 ]
--- response_headers eval: [ ("Referrer-Policy: no-referrer") x 2 ]



=== a refusal that error_page hands to a guarded location is warned of, once
--- config
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    error_page 403 @refused;
    location /media/ { location /media/dir/ { } }
    location /open/ { }
    location @refused { try_files /denied.html =500; }
--- request
GET /media/a.txt?token=x
--- error_code: 403
--- response_body
sorry
--- suppress_stderr
--- grep_error_log eval: qr/\[warn\] .*?(?:answers refusals|$)/
--- grep_error_log_out eval
qr/\A\[warn\] \S+ crossdomain_media: error_page 403 \@refused: answers refusals\n\z/



=== a refusal that error_page hands to an open location is not warned of
--- config
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    error_page 403 @refused;
    location /media/ { }
    location @refused { crossdomain_media off; try_files /denied.html =500; }
--- request
GET /media/a.txt?token=x
--- error_code: 403
--- response_body
sorry
--- no_error_log
[warn]



=== an error_page for a status that refuses nothing is not warned of
--- config
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    error_page 404 @none;
    location @none { try_files /denied.html =500; }
--- request
GET /media/a.txt?token=x
--- refused: 403
--- no_error_log
[warn]



=== crossdomain_media_on: 408, which nginx does not answer as such
--- config eval: main::guarded("crossdomain_media_on missing 408;")
--- must_die
--- error_log eval: "crossdomain_media_on: 408: $main::Statuses"



=== crossdomain_media_on: 494, which nginx does not answer as such
--- config eval: main::guarded("crossdomain_media_on missing 494;")
--- must_die
--- error_log eval: "crossdomain_media_on: 494: $main::Statuses"



=== crossdomain_media_on: 495, which nginx does not answer as such
--- config eval: main::guarded("crossdomain_media_on missing 495;")
--- must_die
--- error_log eval: "crossdomain_media_on: 495: $main::Statuses"



=== crossdomain_media_on: 496, which nginx does not answer as such
--- config eval: main::guarded("crossdomain_media_on missing 496;")
--- must_die
--- error_log eval: "crossdomain_media_on: 496: $main::Statuses"



=== crossdomain_media_on: 497, which nginx does not answer as such
--- config eval: main::guarded("crossdomain_media_on missing 497;")
--- must_die
--- error_log eval: "crossdomain_media_on: 497: $main::Statuses"



=== crossdomain_media_on: 499, which nginx does not answer as such
--- config eval: main::guarded("crossdomain_media_on missing 499;")
--- must_die
--- error_log eval: "crossdomain_media_on: 499: $main::Statuses"



=== crossdomain_media_on: 444 closes the connection
--- config eval: main::guarded("crossdomain_media_on missing 444;")
--- request
GET /media/a.txt
--- ignore_response
--- access_log
"GET /media/a.txt HTTP/1.1" 444



=== a long value does not hide why it is refused
--- config eval: main::guarded("crossdomain_media_key " . "k" x 3000 . ";")
--- must_die
--- error_log eval
qr/crossdomain_media_key: k{200}\.\.\.: File name too long \(os error 36\) in /



=== a key in base64 may be wrapped
--- post_setup_server_root
    my $text = MIME::Base64::encode_base64(main::secret("main.key"), "");
    $text =~ s/(.{20})/$1\r\n/g;
    main::key_file("wrapped.key", "$text\n");
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key wrapped.key encoding=base64;
    }
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== a carriage return at the end of a raw key is part of it, a newline after it is not
--- post_setup_server_root
    main::key_file("bare.key", main::derived(main::secret_with_cr()));
    main::key_file("line.key", main::derived(main::secret_with_cr()) . "\n");
    main::key_file("secret.key", main::secret("main.key") . "\r");
--- config
    crossdomain_media https://www.example.com;
    location = /media/a.txt { crossdomain_media_key bare.key derived; }
    location = /media/b.txt { crossdomain_media_key line.key derived; }
    location = /open/a.txt { crossdomain_media_key secret.key; }
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
--- request eval
my $secret = main::secret_with_cr();
[ (map { "GET " . signed($_, secret => $secret) } "/media/a.txt", "/media/b.txt"),
  "GET " . signed("/open/a.txt", secret => main::secret("main.key") . "\r") ]
--- error_code eval: [ 200, 200, 200 ]
--- response_body eval: [ "private\n", "private b\n", "open\n" ]



=== a guarded location without a name needs a key like others
--- config
    location "" { crossdomain_media https://www.example.com; }
--- must_die
--- error_log
crossdomain_media: location "": no crossdomain_media_key applies



=== a redirect's page that redirects has the only Location
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { return 303 https://login.example.org/; }
    }
--- config eval: main::guarded('error_page 302 = @proxied;') . 'location @proxied { proxy_pass http://$TEST_NGINX_UPSTREAM; }'
--- request
GET /media/a.txt
--- error_code: 303
--- raw_response_headers_like: \r\nLocation: https://login\.example\.org/\r\n
--- raw_response_headers_unlike: www\.example\.com



=== a redirect's page that redirects has the only Location, without proxy_redirect
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { return 303 https://login.example.org/; }
    }
--- config eval: main::guarded('error_page 302 = @proxied;') . 'location @proxied { proxy_pass http://$TEST_NGINX_UPSTREAM; proxy_redirect off; }'
--- request
GET /media/a.txt
--- error_code: 303
--- raw_response_headers_like: \r\nLocation: https://login\.example\.org/\r\n
--- raw_response_headers_unlike: www\.example\.com



=== a redirect's page that redirects within its host has the only Location
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        absolute_redirect off;
        location / { return 303 /login; }
    }
--- config eval: main::guarded('error_page 302 = @proxied;') . 'location @proxied { proxy_pass http://$TEST_NGINX_UPSTREAM; proxy_redirect off; }'
--- request
GET /media/a.txt
--- error_code: 303
--- raw_response_headers_like: \r\nLocation: \S*/login\r\n
--- raw_response_headers_unlike: www\.example\.com



=== a redirect's page that returns a redirect has the only Location
--- config eval: main::guarded('error_page 302 = @elsewhere;') . 'location @elsewhere { return 303 https://login.example.org/; }'
--- request
GET /media/a.txt
--- error_code: 303
--- raw_response_headers_like: \r\nLocation: https://login\.example\.org/\r\n
--- raw_response_headers_unlike: www\.example\.com



=== no cache's own header makes a refusal storable
--- config eval: main::guarded('add_header CDN-Cache-Control "max-age=60" always; add_header Surrogate-Control "max-age=60" always;')
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=x" ]
--- error_code eval: [ 302, 403 ]
--- response_headers eval: [ ("! CDN-Cache-Control\n! Surrogate-Control\nCache-Control: no-store") x 2 ]



=== a range that cannot be met: what is said of caches is said once, though nginx runs its filters twice
--- config eval: main::guarded('crossdomain_media_token header:Origin cookie:t; crossdomain_media_cors https://www.example.com;')
--- request
GET /media/a.txt
--- more_headers eval: "Range: bytes=100-\nCookie: t=" . token("/media/a.txt")
--- error_code: 416
--- response_headers
Vary: Origin, Cookie, Sec-Fetch-Mode
Cache-Control: private

# Every directive: what it takes, and what it says to what it does not take.
# Media.pm adds to each must_die block that the message ends with file and line.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

# A guarded location with one more directive.
sub with {
    my ($directive) = @_;
    return <<"CONFIG";
        location /media/ {
            crossdomain_media https://www.example.com;
            crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key;
            $directive
        }
CONFIG
}

# A guarded location with this key only.
sub keyed {
    my ($key) = @_;
    # Tokens are of the file's first second, and under sanitizers its last block comes a quarter of an hour later.
    return "location /media/ { crossdomain_media https://www.example.com; crossdomain_media_key $key; "
        . "crossdomain_media_max_age 10h; }";
}

# A guard with this URL.
sub to {
    my ($url) = @_;
    return "location /media/ { crossdomain_media $url; crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key; }";
}

# Writes conf/NAME, from --- post_setup_server_root.
sub key_file {
    my ($name, $text, $mode) = @_;
    my $path = "$ENV{TEST_NGINX_SERVER_ROOT}/conf/$name";
    open my $out, '>:raw', $path or die "$path: $!";
    print {$out} $text;
    close $out or die "$path: $!";
    chmod $mode // 0600, $path or die "$path: $!";
}

our $All = <<'CONFIG';
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    crossdomain_media_token arg:token arg:t;
    crossdomain_media_max_age 1h30m;
    crossdomain_media_leeway 30s;
    crossdomain_media_on missing expired redirect;
    crossdomain_media_on invalid 404;
    crossdomain_media_redirect_code 303;
    crossdomain_media_public_url https://media.example.org:8443;
    crossdomain_media_strip on;
    crossdomain_media_referrer_policy same-origin;
    crossdomain_media_dry_run off;
    crossdomain_media_log_level notice;
CONFIG

run_tests();

__DATA__

=== every directive may stand at http
--- http_config eval: $main::All
--- config
    location /media/ { }
--- request eval: [ "GET " . signed("/media/a.txt"), "GET /media/a.txt", "GET /media/a.txt?token=x" ]
--- error_code eval: [ 200, 303, 404 ]



=== every directive may stand at server
--- config eval: "$main::All location /media/ { }"
--- request eval: [ "GET " . signed("/media/a.txt"), "GET /media/a.txt", "GET /media/a.txt?token=x" ]
--- error_code eval: [ 200, 303, 404 ]



=== every directive may stand at location
--- config eval: "location /media/ { $main::All }"
--- request eval: [ "GET " . signed("/media/a.txt"), "GET /media/a.txt", "GET /media/a.txt?token=x" ]
--- error_code eval: [ 200, 303, 404 ]



=== every directive may stand at limit_except
--- config eval: "location /media/ { limit_except GET { $main::All } }"
--- request eval: [ "DELETE " . signed("/media/a.txt"), "DELETE /media/a.txt", "DELETE /media/a.txt?token=x" ]
--- error_code eval: [ 405, 303, 404 ]



=== every directive may stand at every level at once
--- http_config eval: $main::All
--- config eval: "$main::All location /media/ { $main::All location /media/dir/ { $main::All } }"
--- request eval: [ "GET " . signed("/media/dir/x.txt"), "GET /media/dir/x.txt" ]
--- error_code eval: [ 200, 303 ]



=== not outside http
--- main_config
    crossdomain_media off;
--- config
--- must_die
--- error_log
"crossdomain_media" directive is not allowed here



=== not in an if block of a location, which would suggest that rewrites decide
--- config
    location /media/ { if ($arg_x) { crossdomain_media off; } }
--- must_die
--- error_log
"crossdomain_media" directive is not allowed here



=== not in an if block of a server
--- config
    if ($arg_x) { crossdomain_media off; }
--- must_die
--- error_log
"crossdomain_media" directive is not allowed here



=== crossdomain_media: needs a value
--- config
    crossdomain_media;
--- must_die
--- error_log
invalid number of arguments in "crossdomain_media" directive



=== crossdomain_media: takes one value
--- config
    crossdomain_media https://www.example.com off;
--- must_die
--- error_log
invalid number of arguments in "crossdomain_media" directive



=== crossdomain_media: twice
--- config eval: main::with("crossdomain_media off;")
--- must_die
--- error_log
"crossdomain_media" directive is duplicate



=== crossdomain_media: off twice is a duplicate too
--- config
    crossdomain_media off;
    crossdomain_media off;
--- must_die
--- error_log
"crossdomain_media" directive is duplicate



=== crossdomain_media: on is no URL
--- config eval: main::to("on")
--- must_die
--- error_log
crossdomain_media: on: expected a URL that starts with http:// or https://, or "off" in



=== crossdomain_media: a host alone is no URL
--- config eval: main::to("www.example.com")
--- must_die
--- error_log
crossdomain_media: www.example.com: expected a URL that starts with http:// or https://, or "off" in



=== crossdomain_media: a path alone is no URL
--- config eval: main::to("/login")
--- must_die
--- error_log
crossdomain_media: /login: expected a URL that starts with http:// or https://, or "off" in



=== crossdomain_media: an empty text is no URL
--- config eval: main::to('""')
--- must_die
--- error_log
crossdomain_media: : expected a URL that starts with http:// or https://, or "off" in



=== crossdomain_media: another scheme
--- config eval: main::to("ftp://www.example.com")
--- must_die
--- error_log
crossdomain_media: ftp://www.example.com: expected a URL that starts with http:// or https://, or "off" in



=== crossdomain_media: a URL without a host
--- config eval: main::to("https:///login")
--- must_die
--- error_log
crossdomain_media: https:///login: expected a host name or address, and perhaps a port, after the scheme, or "off" in



=== crossdomain_media: a URL with a user name
--- config eval: main::to('https://user@www.example.com')
--- must_die
--- error_log
crossdomain_media: https://user@www.example.com: expected a host name or address, and perhaps a port, after the scheme, or "off" in



=== crossdomain_media: a URL with a space
--- config eval: main::to('"https://www.example.com/a b"')
--- must_die
--- error_log
crossdomain_media: https://www.example.com/a b: holds a space: write %20 in



=== crossdomain_media: a URL with a control byte
--- config eval: main::to('"https://www.example.com/\t"')
--- must_die
--- error_log
holds a control byte, or "off"



=== crossdomain_media: a host that the client chooses
--- config eval: main::to('https://$host')
--- must_die
--- error_log
crossdomain_media: https://$host: the client would choose where to be redirected: name the host, or map it from $server_name, or "off" in



=== crossdomain_media: a host that a header chooses
--- config eval: main::to('https://${http_x_forwarded_host}/login')
--- must_die
--- error_log
crossdomain_media: https://${http_x_forwarded_host}/login: the client would choose where to be redirected: name the host, or map it from $server_name, or "off" in



=== crossdomain_media: a path that a header chooses is allowed
--- config eval: main::to('https://www.example.com/login?host=$host')
--- request
GET /media/a.txt
--- redirected: https://www.example.com/login?host=localhost



=== crossdomain_media: a broken variable
--- config eval: main::to('https://www.example.com/$')
--- must_die
--- error_log
crossdomain_media: https://www.example.com/$: not valid in



=== crossdomain_media: bytes that are no UTF-8
--- config eval: main::to("https://www.example.com/\xff")
--- must_die
--- error_log
not valid UTF-8



=== a guarded location without a key
--- config
    location /media/ { crossdomain_media https://www.example.com; }
--- must_die
--- error_log
crossdomain_media: location "/media/": no crossdomain_media_key applies: name a file with the application's key, or say "crossdomain_media off" in



=== a guarded nested location without a key
--- config
    location / { location ~ ^/media/ { crossdomain_media https://www.example.com; } }
--- must_die
--- error_log
crossdomain_media: location "^/media/": no crossdomain_media_key applies



=== a guarded named location without a key
--- config
    location /media/ { try_files $uri @app; }
    location @app { crossdomain_media https://www.example.com; }
--- must_die
--- error_log
crossdomain_media: location "@app": no crossdomain_media_key applies



=== a location without a key in a guarded server
--- config
    crossdomain_media https://www.example.com;
    location /media/ { crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key; }
    location /other/ { }
--- must_die
--- error_log
crossdomain_media: location "/other/": no crossdomain_media_key applies



=== a guarded limit_except without a key
--- config
    location /media/ { limit_except GET { crossdomain_media https://www.example.com; } }
--- must_die
--- error_log
crossdomain_media: location "/media/": no crossdomain_media_key applies



=== a guarded server whose locations have keys is legal
--- config
    crossdomain_media https://www.example.com;
    location /media/ { crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key; }
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt



=== a key without a guard is legal
--- config
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    location /media/ { }
--- request
GET /media/a.txt
--- response_body
private



=== crossdomain_media_key: needs a file
--- config
    crossdomain_media_key;
--- must_die
--- error_log
invalid number of arguments in "crossdomain_media_key" directive



=== crossdomain_media_key: a file that does not exist
--- config eval: main::keyed("none.key")
--- must_die
--- error_log
crossdomain_media_key: none.key: No such file or directory (os error 2) in



=== crossdomain_media_key: a directory
--- config eval: main::keyed('$TEST_NGINX_KEYS_DIR')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/keys: not a regular file in }



=== crossdomain_media_key: a device
--- config eval: main::keyed("/dev/null")
--- must_die
--- error_log
crossdomain_media_key: /dev/null: not a regular file in



=== crossdomain_media_key: a pipe, which is not waited for
--- post_setup_server_root
    require POSIX;
    POSIX::mkfifo("$ENV{TEST_NGINX_SERVER_ROOT}/conf/pipe.key", 0600) or die $!;
--- config eval: main::keyed("pipe.key")
--- must_die
--- error_log
crossdomain_media_key: pipe.key: not a regular file in



=== crossdomain_media_key: a file that cannot be opened
--- post_setup_server_root
    symlink "loop.key", "$ENV{TEST_NGINX_SERVER_ROOT}/conf/loop.key" or die $!;
--- config eval: main::keyed("loop.key")
--- must_die
--- error_log eval: qr/crossdomain_media_key: loop\.key: .*\(os error 40\) in /



=== crossdomain_media_key: a symbolic link to a file, as Kubernetes mounts secrets
--- post_setup_server_root
    main::key_file("..data.key", main::secret("main.key"));
    symlink "..data.key", "$ENV{TEST_NGINX_SERVER_ROOT}/conf/site.key" or die $!;
--- config eval: main::keyed("site.key")
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== crossdomain_media_key: an empty file
--- post_setup_server_root: main::key_file("site.key", "")
--- config eval: main::keyed("site.key")
--- must_die
--- error_log
crossdomain_media_key: site.key: empty in



=== crossdomain_media_key: a file with nothing but a newline
--- post_setup_server_root: main::key_file("site.key", "\n")
--- config eval: main::keyed("site.key")
--- must_die
--- error_log
crossdomain_media_key: site.key: empty in



=== crossdomain_media_key: a file that is too large for a key
--- post_setup_server_root: main::key_file("site.key", "x" x 65537)
--- config eval: main::keyed("site.key")
--- must_die
--- error_log
crossdomain_media_key: site.key: larger than 65536 bytes, which no key is in



=== crossdomain_media_key: the largest file
--- post_setup_server_root: main::key_file("site.key", "x" x 65536)
--- config eval: main::keyed("site.key")
--- request eval: "GET " . signed("/media/a.txt", secret => "x" x 65536)
--- granted



=== crossdomain_media_key: a file is looked for beside nginx.conf
--- post_setup_server_root: main::key_file("site.key", main::secret("main.key") . "\n")
--- config eval: main::keyed("site.key")
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== crossdomain_media_key: one newline at the end is no part of the secret
--- post_setup_server_root: main::key_file("site.key", main::secret("main.key") . "\r\n")
--- config eval: main::keyed("site.key")
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== crossdomain_media_key: other white space is part of the secret
--- post_setup_server_root: main::key_file("site.key", " " . main::secret("main.key") . " \n\n")
--- config eval: main::keyed("site.key")
--- request eval
[ "GET " . signed("/media/a.txt", secret => " " . secret("main.key") . " \n"), "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 200, 403 ]



=== crossdomain_media_key: a short SECRET_KEY is warned of
--- post_setup_server_root: main::key_file("site.key", "short-test-only\n")
--- config eval: main::keyed("site.key")
--- request eval: "GET " . signed("/media/a.txt", secret => "short-test-only")
--- granted
--- error_log eval
qr{\[warn\] .*crossdomain_media_key: site\.key: 15 bytes, a Django SECRET_KEY should have at least 32 in \S+/nginx\.conf:\d+}



=== crossdomain_media_key: a derived key is as long as its hash, so it is not short
--- post_setup_server_root: main::key_file("site.key", "0" x 64)
--- config eval: main::keyed("site.key derived encoding=hex")
--- request
GET /media/a.txt?token=x
--- refused: 403
--- no_error_log
SECRET_KEY



=== crossdomain_media_key: a file that everybody may read is warned of
--- post_setup_server_root: main::key_file("site.key", main::secret("main.key"), 0644)
--- config eval: main::keyed("site.key")
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- error_log eval
qr{\[warn\] .*crossdomain_media_key: site\.key: mode 0644 lets every user read the key; use chmod o-r in \S+/nginx\.conf:\d+}



=== crossdomain_media_key: a file for owner and group is not warned of
--- post_setup_server_root: main::key_file("site.key", main::secret("main.key"), 0640)
--- config eval: main::keyed("site.key")
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- no_error_log
[warn]



=== crossdomain_media_key: an unknown parameter
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key kid=a;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: unknown parameter "kid=a" in }



=== crossdomain_media_key: a parameter without its value
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key alg;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: unknown parameter "alg" in }



=== crossdomain_media_key: a flag with a value
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key derived=on;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: unknown parameter "derived=on" in }



=== crossdomain_media_key: two files in one directive
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key other.key;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: unknown parameter "other.key" in }



=== crossdomain_media_key: a parameter twice
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key id=a id=b;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: "id" is given twice in }



=== crossdomain_media_key: an unknown format
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key format=cloudsign;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: "format=cloudsign": expected django, jwt or cloudfront in }



=== crossdomain_media_key: an unknown algorithm
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key alg=md5;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: "alg=md5": expected sha256 or sha1 in }



=== crossdomain_media_key: an unknown encoding
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key encoding=utf8;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: "encoding=utf8": expected raw, hex, base64 or base64url in }



=== crossdomain_media_key: an unknown form of paths
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key path=uri;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: "path=uri": expected reverse, storage, decoded or raw in }



=== crossdomain_media_key: an unknown scope
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key signs=prefix;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: "signs=prefix": expected path or parent in }



=== crossdomain_media_key: an empty salt
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key salt=;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: "salt=": expected the salt of the application's signer in }



=== crossdomain_media_key: an empty id
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key id=;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: "id=": expected 1 to 64 visible ASCII characters without quotes in }



=== crossdomain_media_key: an id that would break a log line
--- config eval: main::with("crossdomain_media_key \$TEST_NGINX_KEYS_DIR/old.key 'id=a\"b';")
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: "id=a"b": expected 1 to 64 visible ASCII characters without quotes in }



=== crossdomain_media_key: a time that is none
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key max_future=soon;')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: "max_future=soon": expected a time such as 30s in }



=== crossdomain_media_key: a salt for a derived key
--- config eval: main::keyed('$TEST_NGINX_KEYS_DIR/derived.hex derived encoding=hex salt=x')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/derived\.hex: "salt=" has no effect with "derived" in }



=== crossdomain_media_key: a file that is no hex
--- config eval: main::keyed('$TEST_NGINX_KEYS_DIR/main.key encoding=hex')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/main\.key: not valid hex in }



=== crossdomain_media_key: a file that is no base64
--- config eval: main::keyed('$TEST_NGINX_KEYS_DIR/main.key encoding=base64')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/main\.key: not valid base64 in }



=== crossdomain_media_key: a SECRET_KEY that is said to be derived
--- config eval: main::keyed('$TEST_NGINX_KEYS_DIR/main.key derived')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/main\.key: 52 bytes, a derived key for sha256 has 32 in }



=== crossdomain_media_key: a derived key of another hash
--- config eval: main::keyed('$TEST_NGINX_KEYS_DIR/derived.hex derived encoding=hex alg=sha1')
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/derived\.hex: 32 bytes, a derived key for sha1 has 20 in }



=== crossdomain_media_key: the same id twice at one level
--- config eval
"location /media/ { crossdomain_media https://www.example.com;
  crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key id=a; crossdomain_media_key \$TEST_NGINX_KEYS_DIR/old.key id=a; }"
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/old\.key: "id=a" is another key's id already in }



=== crossdomain_media_key: several keys without an id
--- config eval: main::with('crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key; crossdomain_media_key $TEST_NGINX_KEYS_DIR/other.key;')
--- request eval: [ map { "GET " . signed("/media/a.txt", key => $_) } "main.key", "old.key", "other.key", "short.key" ]
--- error_code eval: [ 200, 200, 200, 403 ]



=== crossdomain_media_key: every parameter at once
--- config eval: main::keyed('$TEST_NGINX_KEYS_DIR/main.hex format=django id=main alg=sha256 encoding=hex salt=x path=storage signs=parent max_future=1m')
--- request eval: "GET /media/a.txt?" . token_arg("/media", salt => "x")
--- granted



=== crossdomain_media_token: needs a source
--- config
    crossdomain_media_token;
--- must_die
--- error_log
invalid number of arguments in "crossdomain_media_token" directive



=== crossdomain_media_token: an unknown source
--- config eval: main::with("crossdomain_media_token token;")
--- must_die
--- error_log
crossdomain_media_token: token: expected arg:NAME, cookie:NAME, header:NAME or path:PREFIX in



=== crossdomain_media_token: a source without a name
--- config eval: main::with("crossdomain_media_token arg:;")
--- must_die
--- error_log
crossdomain_media_token: arg:: the name of an argument consists of letters, digits, "-", ".", "_" and "~" in



=== crossdomain_media_token: a name that would need escapes
--- config eval: main::with('crossdomain_media_token "arg:a b";')
--- must_die
--- error_log
crossdomain_media_token: arg:a b: the name of an argument consists of letters, digits, "-", ".", "_" and "~" in



=== crossdomain_media_token: a source twice
--- config eval: main::with("crossdomain_media_token arg:a arg:b arg:a;")
--- must_die
--- error_log
crossdomain_media_token: arg:a: is given twice in



=== crossdomain_media_token: five sources
--- config eval: main::with("crossdomain_media_token arg:a arg:b arg:c arg:d arg:e;")
--- must_die
--- error_log
crossdomain_media_token: arg:e: expected at most 4 sources in



=== crossdomain_media_token: twice
--- config eval: main::with("crossdomain_media_token arg:a; crossdomain_media_token arg:b;")
--- must_die
--- error_log
"crossdomain_media_token" directive is duplicate



=== crossdomain_media_max_age: no time
--- config eval: main::with("crossdomain_media_max_age soon;")
--- must_die
--- error_log
crossdomain_media_max_age: soon: expected a time such as 90s, 2m or 1h30m in



=== crossdomain_media_max_age: milliseconds
--- config eval: main::with("crossdomain_media_max_age 500ms;")
--- must_die
--- error_log
crossdomain_media_max_age: 500ms: expected a time such as 90s, 2m or 1h30m in



=== crossdomain_media_max_age: negative
--- config eval: main::with("crossdomain_media_max_age -1;")
--- must_die
--- error_log
crossdomain_media_max_age: -1: expected a time such as 90s, 2m or 1h30m in



=== crossdomain_media_max_age: too large for a number
--- config eval: main::with("crossdomain_media_max_age 99999999999999999999;")
--- must_die
--- error_log
crossdomain_media_max_age: 99999999999999999999: expected a time such as 90s, 2m or 1h30m in



=== crossdomain_media_max_age: none at all
--- config eval: main::with("crossdomain_media_max_age 0;")
--- must_die
--- error_log
crossdomain_media_max_age: 0: expected at least 1s in



=== crossdomain_media_max_age: in nginx's notation
--- config eval: main::with("crossdomain_media_max_age 1h30m;")
--- request eval: [ "GET " . signed("/media/a.txt", at => -5300), "GET " . signed("/media/a.txt", at => -5450) ]
--- error_code eval: [ 200, 302 ]



=== crossdomain_media_max_age: the largest time does not overflow
--- config eval: main::with("crossdomain_media_max_age 9223372036854775807; crossdomain_media_leeway 9223372036854775807;")
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== crossdomain_media_max_age: twice
--- config eval: main::with("crossdomain_media_max_age 1m; crossdomain_media_max_age 1m;")
--- must_die
--- error_log
"crossdomain_media_max_age" directive is duplicate



=== crossdomain_media_leeway: no time
--- config eval: main::with("crossdomain_media_leeway 5x;")
--- must_die
--- error_log
crossdomain_media_leeway: 5x: expected a time such as 90s, 2m or 1h30m in



=== crossdomain_media_leeway: none
--- config eval: main::with("crossdomain_media_leeway 0; crossdomain_media_max_age 1h;")
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== crossdomain_media_leeway: twice
--- config eval: main::with("crossdomain_media_leeway 0; crossdomain_media_leeway 0;")
--- must_die
--- error_log
"crossdomain_media_leeway" directive is duplicate



=== crossdomain_media_on: needs a class
--- config eval: main::with("crossdomain_media_on redirect;")
--- must_die
--- error_log
invalid number of arguments in "crossdomain_media_on" directive



=== crossdomain_media_on: an unknown class
--- config eval: main::with("crossdomain_media_on forged 403;")
--- must_die
--- error_log
crossdomain_media_on: forged: expected missing, expired or invalid in



=== crossdomain_media_on: granted is no class
--- config eval: main::with("crossdomain_media_on granted 403;")
--- must_die
--- error_log
crossdomain_media_on: granted: expected missing, expired or invalid in



=== crossdomain_media_on: an unknown action
--- config eval: main::with("crossdomain_media_on missing allow;")
--- must_die
--- error_log
crossdomain_media_on: allow: expected redirect, a status from 400 to 599 other than 408, 494 to 497 and 499, which nginx answers in its own way, or a named location such as @app in



=== crossdomain_media_on: a status that would let through
--- config eval: main::with("crossdomain_media_on missing 200;")
--- must_die
--- error_log
crossdomain_media_on: 200: expected redirect, a status from 400 to 599 other than 408, 494 to 497 and 499, which nginx answers in its own way, or a named location such as @app in



=== crossdomain_media_on: a status that redirects nowhere
--- config eval: main::with("crossdomain_media_on missing 302;")
--- must_die
--- error_log
crossdomain_media_on: 302: expected redirect, a status from 400 to 599 other than 408, 494 to 497 and 499, which nginx answers in its own way, or a named location such as @app in



=== crossdomain_media_on: a status that there is not
--- config eval: main::with("crossdomain_media_on missing 600;")
--- must_die
--- error_log
crossdomain_media_on: 600: expected redirect, a status from 400 to 599 other than 408, 494 to 497 and 499, which nginx answers in its own way, or a named location such as @app in



=== crossdomain_media_on: a named location without a name
--- config eval: main::with("crossdomain_media_on missing @;")
--- must_die
--- error_log
crossdomain_media_on: @: expected redirect, a status from 400 to 599 other than 408, 494 to 497 and 499, which nginx answers in its own way, or a named location such as @app in



=== crossdomain_media_on: a class twice in one directive
--- config eval: main::with("crossdomain_media_on missing missing 403;")
--- must_die
--- error_log
crossdomain_media_on: missing: has an action at this level already in



=== crossdomain_media_on: a class twice at one level
--- config eval: main::with("crossdomain_media_on missing expired 403; crossdomain_media_on invalid expired 404;")
--- must_die
--- error_log
crossdomain_media_on: expired: has an action at this level already in



=== crossdomain_media_on: a named location that does not exist
--- config eval: main::with('crossdomain_media_on missing @app;')
--- must_die
--- error_log
crossdomain_media_on: @app: no such named location in this server in



=== crossdomain_media_on: a named location that is nearly named so
--- config eval: main::with('crossdomain_media_on missing @app;') . 'location @app2 { } location @ap { }'
--- must_die
--- error_log
crossdomain_media_on: @app: no such named location in this server in



=== crossdomain_media_on: a named location of another server
--- http_config
    server { listen $TEST_NGINX_UPSTREAM; location @app { } }
--- config eval: main::with('crossdomain_media_on missing @app;')
--- must_die
--- error_log
crossdomain_media_on: @app: no such named location in this server in



=== crossdomain_media_on: a named location at http must be in every guarded server
--- http_config
    crossdomain_media_on missing @app;
    server { listen $TEST_NGINX_UPSTREAM; location @app { } }
--- config eval: main::with("")
--- must_die
--- error_log
crossdomain_media_on: @app: no such named location in this server in



=== crossdomain_media_on: a named location that comes later
--- config eval: main::with('crossdomain_media_on missing @app;') . 'location @app { return 200 "app\n"; }'
--- request
GET /media/a.txt
--- response_body
app



=== crossdomain_media_on: a named location where the guard is off is not needed
--- config
    location /media/ { crossdomain_media off; crossdomain_media_on missing @app; }
--- request
GET /media/a.txt
--- response_body
private



=== crossdomain_media_redirect_code: 301 would be remembered
--- config eval: main::with("crossdomain_media_redirect_code 301;")
--- must_die
--- error_log
crossdomain_media_redirect_code: 301: expected 302, 303, 307 or 308 in



=== crossdomain_media_redirect_code: no number
--- config eval: main::with("crossdomain_media_redirect_code found;")
--- must_die
--- error_log
crossdomain_media_redirect_code: found: expected 302, 303, 307 or 308 in



=== crossdomain_media_redirect_code: twice
--- config eval: main::with("crossdomain_media_redirect_code 302; crossdomain_media_redirect_code 303;")
--- must_die
--- error_log
"crossdomain_media_redirect_code" directive is duplicate



=== crossdomain_media_public_url: no URL
--- config eval: main::with("crossdomain_media_public_url media.example.org;")
--- must_die
--- error_log
crossdomain_media_public_url: media.example.org: expected a URL that starts with http:// or https:// in



=== crossdomain_media_public_url: a path
--- config eval: main::with("crossdomain_media_public_url https://media.example.org/;")
--- must_die
--- error_log
crossdomain_media_public_url: https://media.example.org/: expected only scheme, host and port, without a path in



=== crossdomain_media_public_url: variables mean nothing
--- config eval: main::with('crossdomain_media_public_url https://$host;')
--- must_die
--- error_log
crossdomain_media_public_url: https://$host: expected a host name or address, and perhaps a port, after the scheme in



=== crossdomain_media_public_url: twice
--- config eval: main::with("crossdomain_media_public_url https://a.example; crossdomain_media_public_url https://b.example;")
--- must_die
--- error_log
"crossdomain_media_public_url" directive is duplicate



=== crossdomain_media_strip: neither on nor off
--- config eval: main::with("crossdomain_media_strip yes;")
--- must_die
--- error_log
crossdomain_media_strip: yes: expected "on" or "off" in



=== crossdomain_media_strip: twice
--- config eval: main::with("crossdomain_media_strip on; crossdomain_media_strip on;")
--- must_die
--- error_log
"crossdomain_media_strip" directive is duplicate



=== crossdomain_media_referrer_policy: an unknown policy
--- config eval: main::with("crossdomain_media_referrer_policy none;")
--- must_die
--- error_log
crossdomain_media_referrer_policy: none: expected one of no-referrer, same-origin, origin, strict-origin, origin-when-cross-origin, strict-origin-when-cross-origin, no-referrer-when-downgrade, unsafe-url, or "off" in



=== crossdomain_media_referrer_policy: one that shows tokens is warned of
--- config eval: main::with("crossdomain_media_referrer_policy unsafe-url; crossdomain_media_max_age 10h;")
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- response_headers
Referrer-Policy: unsafe-url
--- error_log eval: qr/\[warn\] .*crossdomain_media_referrer_policy: unsafe-url: shows URLs with their tokens to other sites in /



=== crossdomain_media_referrer_policy: twice
--- config eval: main::with("crossdomain_media_referrer_policy off; crossdomain_media_referrer_policy origin;")
--- must_die
--- error_log
"crossdomain_media_referrer_policy" directive is duplicate



=== crossdomain_media_dry_run: neither on nor off
--- config eval: main::with("crossdomain_media_dry_run 1;")
--- must_die
--- error_log
crossdomain_media_dry_run: 1: expected "on" or "off" in



=== crossdomain_media_dry_run: twice
--- config eval: main::with("crossdomain_media_dry_run off; crossdomain_media_dry_run off;")
--- must_die
--- error_log
"crossdomain_media_dry_run" directive is duplicate



=== crossdomain_media_log_level: an unknown level
--- config eval: main::with("crossdomain_media_log_level debug;")
--- must_die
--- error_log
crossdomain_media_log_level: debug: expected info, notice, warn or error in



=== crossdomain_media_log_level: twice
--- config eval: main::with("crossdomain_media_log_level info; crossdomain_media_log_level info;")
--- must_die
--- error_log
"crossdomain_media_log_level" directive is duplicate



=== an unknown directive of the family is unknown
--- config
    crossdomain_media_zones token;
--- must_die
--- error_log
unknown directive "crossdomain_media_zones"

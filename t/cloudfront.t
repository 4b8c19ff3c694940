# URLs and cookies signed as for CloudFront: which ones grant, why others do not, and who sees them afterwards.
use v5.20;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;
use Jwt;
use CloudFront;
use IO::Socket::IP;

our $Keys = <<'KEYS';
        crossdomain_media_key $TEST_NGINX_JWT_DIR/rsa.pub.pem format=cloudfront id=KRSA;
        crossdomain_media_key $TEST_NGINX_JWT_DIR/ec.pub.pem format=cloudfront id=KEC;
KEYS

# A guard whose site is known by the name that the signer's URLs have; with more directives.
sub guard {
    my ($more, $keys) = @_;
    $more //= '';
    $keys //= $Keys;
    return <<"CONFIG";
        crossdomain_media https://www.example.com;
        crossdomain_media_public_url https://media.example.org;
        $keys
        add_header X-Reason \$crossdomain_media_reason always;
        add_header X-Key "\$crossdomain_media_key_id." always;
        $more
CONFIG
}

sub guarded { return 'location / { ' . guard(@_) . ' }' }

# A guard whose site knows no name but those of its server.
sub nameless { return guarded(@_) =~ s/crossdomain_media_public_url [^;]*;//r }

# The same with keys as given.
sub keyed {
    return guarded('', join ' ', map { "crossdomain_media_key \$TEST_NGINX_JWT_DIR/$_;" } @_);
}

our $Guarded = guarded();

# Says what reached it.
our $Upstream = <<'CONFIG';
    server {
        listen $TEST_NGINX_UPSTREAM;
        add_header X-Seen "$request_uri|$args|$http_cookie|$cookie_a";
        location / { root html; }
    }
CONFIG

our $Proxy = 'proxy_pass http://$TEST_NGINX_UPSTREAM;';

our $RawProxy = 'proxy_pass http://$TEST_NGINX_RAW_UPSTREAM; proxy_set_header Host upstream; proxy_set_header Connection close;';

our $File = '/media/a.txt';

# Requests for the private file, each with a query.
sub asks { return [ map { length ? "GET $File?$_" : "GET $File" } @_ ] }

# The same signed with each of these lists of options.
sub signed_urls { return asks(map { cf_query($File, @$_) } @_) }

# Requests for targets, with a custom policy for a resource.
sub covered {
    my ($resource, @targets) = @_;
    return [ map { 'GET ' . cf_url($_, resource => $resource) } @targets ];
}

# The signature of a list of options.
sub part { my ($name, @options) = @_; return (map { $_->[0] eq $name ? $_->[1] : () } cf_parameters($File, @options))[0] }

# A custom policy for the private file in so many letters of base64.
sub sized {
    my ($letters) = @_;
    my $policy = cf_policy("$CloudFront::Site$File");
    return cf_query($File, policy => $policy . ' ' x ($letters / 4 * 3 - length $policy));
}

# A policy with text in place of END, which stands for its conditions, and of URL.
sub written {
    my $end = $CloudFront::Start + 3600;
    return asks(map {
        my $policy = s/END/"DateLessThan":{"AWS:EpochTime":$end}/r =~ s/URL/$CloudFront::Site$File/r;
        cf_query($File, policy => $policy);
    } @_);
}

# Addresses of this run's own, since the usual ports are there only once.
our $Loopback = do {
    my $port = $ENV{TEST_NGINX_PORT} // 1984;
    join '.', 127, 80, $port >> 8, $port & 255;
};
our $Usual_ports = !!IO::Socket::IP->new(LocalHost => $Loopback, LocalPort => 80, Listen => 1, ReuseAddr => 1);
our $Ipv6 = !!IO::Socket::IP->new(LocalHost => '::1', Listen => 1);

key_pair($_) for qw(rsa rsa2 ec ec2 ed short p384);
Jwt::run("openssl req -x509 -key $ENV{TEST_NGINX_JWT_DIR}/rsa.pem -subj /CN=media.example.org -days 2 -out $ENV{TEST_NGINX_JWT_DIR}/tls.pem");

run_tests();

__DATA__

=== a canned URL
--- config eval: $main::Guarded
--- request eval: "GET " . cf_url("/media/a.txt")
--- granted
--- response_headers
X-Reason: valid
X-Key: KRSA.
Vary: Cookie
--- no_error_log eval: $Media::Logged



=== canned cookies
--- config eval: $main::Guarded
--- request
GET /media/a.txt
--- more_headers eval: "Cookie: " . cf_cookies("/media/a.txt")
--- reasons: valid
--- response_headers
X-Key: KRSA.
Cache-Control: private
Vary: Cookie
! Referrer-Policy
--- no_error_log eval: $Media::Logged



=== a custom URL
--- config eval: $main::Guarded
--- request eval: "GET " . cf_url("/media/a.txt", resource => "/media/*")
--- granted
--- response_headers
X-Reason: valid
X-Key: KRSA.
Vary: Cookie



=== custom cookies: one set for a folder
--- config eval: $main::Guarded
--- user_files eval: [ map { [ $_, "private\n" ] } "media/a.txt", "media/dir/x.txt", "mediax/a.txt" ]
--- request eval: [ map { "GET $_" } "/media/a.txt", "/media/dir/x.txt", "/media/dir/x.txt?own=1", "/mediax/a.txt" ]
--- more_headers eval: [ ("Cookie: " . cf_cookies("", resource => "/media/*")) x 4 ]
--- reasons: valid valid valid wrong_path
--- response_headers eval: [ ("Cache-Control: private\nVary: Cookie\n! Referrer-Policy") x 3, "Cache-Control: no-store\nVary: Cookie" ]



=== both hashes, and both kinds of keys
--- config eval: $main::Guarded
--- request eval
main::signed_urls(map { my $key = $_; ([ key => $key ], [ key => $key, hash => "SHA256" ], [ key => $key, hash => "SHA256", resource => "/*" ], [ key => $key, resource => "/*" ]) } "rsa", "ec")
--- reasons eval: [ ("valid") x 8 ]
--- response_headers eval: [ ("X-Key: KRSA.") x 4, ("X-Key: KEC.") x 4 ]



=== the same by cookies
--- config eval: $main::Guarded
--- request eval: main::asks(("") x 4)
--- more_headers eval: [ map { my $key = $_; map { "Cookie: " . cf_cookies("/media/a.txt", key => $key, hash => $_) } "SHA1", "SHA256" } "rsa", "ec" ]
--- reasons: valid valid valid valid
--- response_headers eval: [ ("X-Key: KRSA.") x 2, ("X-Key: KEC.") x 2 ]



=== a hash is named if it is not SHA-1, and by its own name only
--- config eval: $main::Guarded
--- request eval
main::signed_urls(
  [ with => { "Hash-Algorithm" => "SHA1" } ], [ hash => "SHA256", with => { "Hash-Algorithm" => "SHA%3256" } ], [ hash => "SHA256", with => { "Hash-Algorithm" => undef } ], [ with => { "Hash-Algorithm" => "SHA256" } ],
  [ hash => "SHA256", with => { "Hash-Algorithm" => "SHA1" } ], map { [ with => { "Hash-Algorithm" => $_ } ] } "sha1", "SHA-1", "MD5", "none", "SHA1%20", "")
--- reasons: valid valid bad_signature bad_signature bad_signature token_unsupported token_unsupported token_unsupported token_unsupported token_unsupported token_empty



=== a key that is bound to SHA-256
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=KRSA alg=sha256", "ec.pub.pem format=cloudfront id=KEC alg=sha256")
--- request eval: main::signed_urls(map { my $key = $_; ([ key => $key ], [ key => $key, hash => "SHA256" ]) } "rsa", "ec")
--- reasons: unknown_key valid unknown_key valid



=== a key that is bound to SHA-1
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=KRSA alg=sha1", "ec.pub.pem format=cloudfront alg=sha1 id=KEC")
--- request eval: main::signed_urls(map { my $key = $_; ([ key => $key ], [ key => $key, hash => "SHA256" ]) } "rsa", "ec")
--- reasons: valid unknown_key valid unknown_key



=== the key is the one that is named, and no other is tried
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=KRSA", "rsa2.pub.pem format=cloudfront id=KOTHER")
--- request eval
main::signed_urls([], [ key => "rsa2" ], [ id => "KOTHER" ], [ key => "rsa2", id => "KRSA" ], [ id => "KNONE" ], [ id => "krsa" ], [ id => "KRSA%20" ], [ id => "K%52SA" ])
--- reasons: valid valid bad_signature bad_signature unknown_key unknown_key unknown_key valid
--- response_headers eval: [ map { "X-Key: $_." } "KRSA", "KOTHER", ("") x 5, "KRSA" ]



=== one key under two ids
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=KRSA alg=sha1", "rsa.pub.pem format=cloudfront id=KNEW alg=sha256")
--- request eval: main::signed_urls([], [ hash => "SHA256", id => "KNEW" ], [ id => "KNEW" ], [ hash => "SHA256" ])
--- reasons: valid valid unknown_key unknown_key



=== the id of a key of another format
--- config eval: main::keyed("rsa.pub.pem format=jwt id=KRSA", "ec.pub.pem format=cloudfront id=KEC")
--- request eval: main::signed_urls([], [ key => "ec" ])
--- reasons: unknown_key valid



=== the URL comes before the cookies, whatever it holds
--- config eval: $main::Guarded
--- request eval
main::asks("", cf_query("/media/a.txt", key => "ec"), cf_query("/media/b.txt"), cf_query("/media/a.txt", end => 1), "Expires=1", "x=1&Policy=", "Signature=x", "Key-Pair-Id=KRSA", "Hash-Algorithm=SHA1", "%45xpires=1", "expires=1")
--- more_headers eval: [ ("Cookie: " . cf_cookies("", resource => "/media/*")) x 11 ]
--- reasons: valid valid bad_signature token_expired token_incomplete token_empty token_incomplete token_incomplete token_incomplete token_incomplete valid
--- response_headers eval: [ "X-Key: KRSA.", "X-Key: KEC.", ("X-Key: .") x 8, "X-Key: KRSA." ]



=== a grant by URL is not made private by cookies that were not looked at
--- config eval: $main::Guarded
--- request eval: "GET " . cf_url("/media/a.txt")
--- more_headers eval: "Cookie: CloudFront-Signature=x; CloudFront-Signature=y"
--- granted



=== a part that is missing
--- config eval: $main::Guarded
--- request eval
[ @{ main::signed_urls(map { [ with => { $_ => undef } ] } "Expires", "Signature", "Key-Pair-Id") }, @{ main::signed_urls(map { [ resource => "/*", with => { $_ => undef } ] } "Policy", "Signature", "Key-Pair-Id") },
  @{ main::asks("Expires=1", "Policy=x", "Hash-Algorithm=SHA256", "Hash-Algorithm=x") } ]
--- reasons eval: [ ("token_incomplete") x 10 ]
--- response_headers eval: [ ("Location: https://www.example.com/media/a.txt\nCache-Control: no-store\nReferrer-Policy: no-referrer") x 10 ]



=== a part that is missing, by cookies
--- config eval: $main::Guarded
--- request eval: main::asks(("") x 5)
--- more_headers eval
[ (map { "Cookie: " . cf_cookies("/media/a.txt", with => { $_ => undef }) } "Expires", "Signature", "Key-Pair-Id"), "Cookie: CloudFront-Policy=x", "Cookie: CloudFront-=x; CloudFront=x; Expires=1; cloudFront-Policy=x; xCloudFront-Policy=x" ]
--- reasons: token_incomplete token_incomplete token_incomplete token_incomplete no_token
--- response_headers eval: [ ("Location: https://www.example.com/media/a.txt\nCache-Control: no-store\nVary: Cookie") x 5 ]



=== a part that is empty, or too much
--- config eval: $main::Guarded
--- request eval
[ @{ main::signed_urls(map { [ with => { $_ => "" } ] } "Expires", "Signature", "Key-Pair-Id", "Hash-Algorithm", "Policy") }, @{ main::signed_urls([ with => { Policy => cf64(cf_policy("*")) } ], [ resource => "/*", with => { Expires => 4102444800 } ]) } ]
--- reasons: token_empty token_empty token_empty token_empty token_empty token_malformed token_malformed



=== a part twice
--- config eval: $main::Guarded
--- request eval
my $query = cf_query("/media/a.txt", hash => "SHA256");
main::asks((map { "$query&" . main::part($_, hash => "SHA256") =~ s/^/$_=/r } "Expires", "Signature", "Key-Pair-Id", "Hash-Algorithm"), "$query&%45xpires=x", "Expires&$query", "Policy=x&Policy=x")
--- reasons eval: [ ("token_repeated") x 7 ]



=== cookies twice
--- config eval: $main::Guarded
--- request eval: main::asks(("") x 3)
--- more_headers eval
my $good = cf_cookies("", resource => "/*");
[ "Cookie: $good; CloudFront-Policy=x", "Cookie: $good\nCookie: $good", "Cookie: $good; cloudfront-policy=x; Policy=x" ]
--- reasons: token_repeated token_repeated valid



=== cookies in several lines, in any order, and in quotes
--- config eval: $main::Guarded
--- request eval: main::asks(("") x 3)
--- more_headers eval
my $good = cf_cookies("", resource => "/*");
my @good = split /; /, $good;
[ CORE::join("\n", map { "Cookie: $_" } reverse @good), "Cookie: a=1;" . CORE::join(" ;b=2;", reverse @good) . " ; c", "Cookie: " . ($good =~ s/=([^;]+)/="$1"/gr) ]
--- reasons: valid valid valid



=== the parameters may stand anywhere in the query
--- config eval: $main::Guarded
--- request eval
my @cf = split /&/, cf_query("/media/a.txt?own=1&&b=%2f");
main::asks("own=1&&b=%2f&" . CORE::join("&", @cf), CORE::join("&", reverse @cf) . "&own=1&&b=%2f", "$cf[1]&own=1&$cf[0]&&$cf[2]&b=%2f", "own=1&b=%2f&" . CORE::join("&", @cf), "b=%2f&&own=1&" . CORE::join("&", @cf), "own=1&&b=%2F&" . CORE::join("&", @cf), "own=1&&b=%2f&c&" . CORE::join("&", @cf), CORE::join("&", @cf))
--- reasons: valid valid valid bad_signature bad_signature bad_signature bad_signature bad_signature



=== names of parameters are decoded once, and told from others by case
--- config eval: $main::Guarded
--- request eval
my ($e, $s, $k) = map { main::part($_) } "Expires", "Signature", "Key-Pair-Id";
main::asks("%45xpires=$e&Signatur%65=$s&Key%2DPair%2dId=$k", "expires=$e&Signature=$s&Key-Pair-Id=$k", "%2545xpires=$e&Signature=$s&Key-Pair-Id=$k", "Expires=$e&Signature=$s&Key-Pair-Id=$k&signature=x")
--- reasons: valid token_incomplete token_incomplete bad_signature



=== an end as CloudFront has it
--- config eval: $main::Guarded
--- request eval
main::signed_urls([ end => 4102444800 ], [ end => 9999999999 ], (map { [ end => $_ ] } "10000000000", "04102444800", "4102444800.0", "4e9", "-1", "x", "%2B4102444800", "4102444800%20"), [ end => 0 ])
--- reasons eval: [ "valid", "valid", ("token_malformed") x 8, "token_expired" ]



=== another end than the one that was signed
--- config eval: $main::Guarded
--- request eval: main::signed_urls([ end => 1, with => { Expires => 4102444800 } ], [ with => { Expires => 1 } ])
--- reasons: bad_signature bad_signature



=== base64 in CloudFront's letters, with all its padding or none, and in one spelling
--- config eval: $main::Guarded
--- request eval
my $signature = main::part("Signature", resource => "/*");
my $letters = CORE::join "", "A" .. "Z", "a" .. "z", 0 .. 9, "-~";
# The last letter of 256 bytes has four bits that mean nothing.
my $twin = $signature =~ s/(.)__\z/(substr $letters, index($letters, $1) + 1, 1) . "__"/er;
main::signed_urls(map { [ resource => "/*", with => { Signature => $_ } ] }
  $signature, $signature =~ s/_+\z//r, $signature =~ s/_/%5F/gr, $signature =~ s/_\z//r, $signature =~ s/_/=/gr, $signature =~ s/_/%3D/gr, "${signature}_", "$signature%0A", $twin, $signature =~ tr{~-}{/+}r, $signature =~ tr{~-}{_-}r, substr($signature, 4))
--- reasons eval: [ ("valid") x 3, ("token_malformed") x 6, "token_malformed", "token_malformed", "bad_signature" ]



=== a byte of a policy
--- config eval: $main::Guarded
--- request eval
my $policy = cf_policy("https://media.example.org/media/*");
my %signed = (resource => "/media/*");
main::signed_urls([ %signed ], [ %signed, with => { Policy => cf64($policy =~ s/media\/\*/media\/\?/r) } ], [ %signed, with => { Policy => cf64("$policy ") } ], [ policy => "$policy\r\n" ], [ %signed, with => { Policy => cf64($policy =~ s/,/, /r) } ])
--- reasons: valid bad_signature bad_signature valid bad_signature



=== space in a policy is signed like all else
--- config eval: $main::Guarded
--- request eval: main::written('{ "Statement" : [ { "Resource" : "URL" ,' . "\r\n\t" . '"Condition" : { END } } ] } ', '{"Statement":{"Condition":{END},"Resource":"URL"}}')
--- reasons: valid valid



=== what a policy says beyond what is known is not ignored
--- config eval: $main::Guarded
--- request eval
main::written('{"Statement":[{"Effect":"Deny","Resource":"URL","Condition":{END}}]}', '{"Id":"x","Statement":[{"Resource":"URL","Condition":{END}}]}', '{"Statement":[{"Resource":"URL","Condition":{END,"StringLike":{"aws:Referer":"x"}}}]}',
  '{"Statement":[{"Resource":"URL","Condition":{END,"NotIpAddress":{"AWS:SourceIp":"0.0.0.0/0"}}}]}')
--- reasons: token_unsupported token_unsupported token_unsupported token_unsupported



=== what is no policy
--- config eval: $main::Guarded
--- request eval
main::written('hello', '{}', '{"Statement":[]}', '{"Statement":[{"Resource":"URL"}]}', '{"Statement":[{"Resource":"URL","Condition":{}}]}', '{"Statement":[{"Resource":["URL"],"Condition":{END}}]}', '{"Statement":[{"Resource":"URL","Condition":{END}},{"Resource":"URL","Condition":{END}}]}',
  '{"Statement":[{"Resource":"URL","Condition":{END}}]}}', '{"Statement":[{"Resource":"URL","Resource":"URL","Condition":{END}}]}', '{"Statement":[{"Resource":"URL","Condition":{"DateLessThan":{"AWS:EpochTime":"4102444800"}}}]}', '{"Statement":[{"Resource":"URL","Condition":{END,"IpAddress":{"AWS:SourceIp":"::1"}}}]}')
--- reasons eval: [ ("token_malformed") x 11 ]



=== nothing in a policy is believed before its signature holds
--- config eval: $main::Guarded
--- request eval: main::signed_urls(map { [ policy => $_, key => "rsa2", id => "KRSA" ] } "hello", cf_policy("*", end => 1), cf_policy("*", start => 4102444800), cf_policy("*", from => "192.0.2.1"), cf_policy("/x"))
--- reasons eval: [ ("bad_signature") x 5 ]



=== a policy as long as one may be
--- config eval: $main::Guarded
--- request eval: main::asks(main::sized(4096), main::sized(4100))
--- reasons: valid token_malformed



=== a policy that has ended is renewed, and leaves no parameter behind
--- config eval: $main::Guarded
--- request eval
my @cf = split /&/, cf_query("/media/a.txt?x=1&y=%2f+&&z", end => time - 1);
"GET /media/a.txt?$cf[2]&x=1&$cf[0]&y=%2f+&&$cf[1]&z"
--- redirected: https://www.example.com/media/a.txt?x=1&y=%2f+&&z
--- response_headers
X-Reason: token_expired
Vary: Cookie
--- error_log
crossdomain_media: expired, reason: token_expired, key: "KRSA", uri: "/media/a.txt?x=1&y=%2f+&&z", client: 127.0.0.1
request: "GET /media/a.txt?Key-Pair-Id=***&x=1&Expires=***&y=%2f+&&Signature=***&z HTTP/1.1"
--- access_log
"GET /media/a.txt?Key-Pair-Id=***&x=1&Expires=***&y=%2f+&&Signature=***&z HTTP/1.1" 302
--- no_access_log eval: my ($signature) = cf_query("/media/a.txt?x=1&y=%2f+&&z", end => time - 1) =~ /Signature=(.{9})/; $signature



=== a custom policy that has ended is renewed, and leaves no parameter behind
--- config eval: $main::Guarded
--- request eval: "GET " . cf_url("/media/a.txt", resource => "/media/*", end => time - 1, hash => "SHA256") . "&x=1"
--- redirected: https://www.example.com/media/a.txt?x=1
--- error_log
crossdomain_media: expired, reason: token_expired, key: "KRSA", uri: "/media/a.txt?x=1", client: 127.0.0.1
request: "GET /media/a.txt?Policy=***&Signature=***&Key-Pair-Id=***&Hash-Algorithm=***&x=1 HTTP/1.1"



=== cookies that have ended are renewed
--- config eval: $main::Guarded
--- request eval: main::asks("x=1", "x=1")
--- more_headers eval: [ map { "Cookie: " . cf_cookies("/media/a.txt?x=1", end => time - 1, @$_) } [], [ resource => "/*" ] ]
--- reasons: token_expired token_expired
--- response_headers eval: [ ("Location: https://www.example.com/media/a.txt?x=1\nCache-Control: no-store\nVary: Cookie") x 2 ]



=== half of a URL is asked for anew, and leaves no parameter behind
--- config eval: $main::Guarded
--- request
GET /media/a.txt?x=1&Signature=x&y=2
--- redirected: https://www.example.com/media/a.txt?x=1&y=2
--- error_log
crossdomain_media: missing, reason: token_incomplete, uri: "/media/a.txt?x=1&y=2", client: 127.0.0.1
request: "GET /media/a.txt?x=1&Signature=***&y=2 HTTP/1.1"



=== a URL that was signed otherwise is refused
--- config eval: $main::Guarded
--- request eval: "GET /media/a.txt?" . cf_query("/media/b.txt") . "&x=1"
--- refused: 403
--- error_log
crossdomain_media: invalid, reason: bad_signature, uri: "/media/a.txt?x=1", client: 127.0.0.1
--- no_error_log eval: main::part("Expires")



=== leeway lengthens the end, and nothing else
--- config eval: main::guarded("crossdomain_media_leeway 1h;")
--- request eval
main::signed_urls((map { my $end = $_; ([ end => $end ], [ end => $end, resource => "/*" ]) } time - 3000, time - 4000), [ start => time + 3000 ])
--- reasons: valid valid token_expired token_expired token_not_yet_valid



=== a beginning that has passed
--- config eval: $main::Guarded
--- request eval: main::signed_urls([ start => time - 5 ])
--- reasons: valid



=== a beginning that has not come
--- config eval: $main::Guarded
--- request eval: main::signed_urls([ start => time + 3000 ])->[0]
--- reasons: token_not_yet_valid
--- error_log
crossdomain_media: invalid, reason: token_not_yet_valid, key: "KRSA", uri: "/media/a.txt"



=== several reasons: the end comes first
--- config eval: $main::Guarded
--- request eval
main::signed_urls([ end => time - 9, start => time + 3600, from => "192.0.2.1", resource => "/x" ], [ start => time + 3600, from => "192.0.2.1", resource => "/x" ], [ from => "192.0.2.1", resource => "/x" ], [ resource => "/x" ])
--- reasons: token_expired token_not_yet_valid wrong_address wrong_path



=== addresses
--- config eval: $main::Guarded
--- request eval: main::signed_urls(map { [ from => $_ ] } "127.0.0.1", "127.0.0.1/32", "127.0.0.0/8", "0.0.0.0/0", "127.0.0.2", "126.0.0.0/8", "127.0.0.0/32")
--- reasons: valid valid valid valid wrong_address wrong_address wrong_address



=== the viewer's address is what realip makes of it
--- config eval: "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; $main::Guarded"
--- request eval: main::signed_urls(map { [ from => $_ ] } "192.0.2.7", "192.0.2.0/24", "127.0.0.1", "192.0.2.0/24", "192.0.2.0/24", "0.0.0.0/0")
--- more_headers eval: [ map { "X-Forwarded-For: $_" } "192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.3.7", "::ffff:192.0.2.7", "2001:db8::7" ]
--- reasons: valid valid wrong_address wrong_address valid wrong_address



=== what a viewer says of its address means nothing by itself
--- config eval: $main::Guarded
--- request eval: main::signed_urls([ from => "192.0.2.7" ])->[0]
--- more_headers
X-Forwarded-For: 192.0.2.7
X-Real-IP: 192.0.2.7
--- reasons: wrong_address
--- error_log
crossdomain_media: invalid, reason: wrong_address, key: "KRSA", uri: "/media/a.txt"



=== an IPv6 viewer is in no network
--- skip_eval: 2: !$main::Ipv6
--- http_config eval: "server { listen [::1]:\$TEST_NGINX_SERVER_PORT; root html; $main::Guarded }"
--- config
    location / { proxy_pass http://[::1]:$TEST_NGINX_SERVER_PORT; }
--- request eval: main::signed_urls([ from => "0.0.0.0/0" ], [ from => "127.0.0.1" ], [], [ resource => "/*" ])
--- reasons: wrong_address wrong_address valid valid



=== a viewer without an address is in no network
--- http_config eval: "server { listen \$TEST_NGINX_UPSTREAM; root html; $main::Guarded }"
--- config eval: "location / { $main::Proxy }"
--- request eval: main::signed_urls([ from => "0.0.0.0/0" ], [])
--- reasons: wrong_address valid



=== wildcards
--- config eval: $main::Guarded
--- user_files eval: [ map { [ $_, "private\n" ] } "media/a.txt", "media/dir/a.txt" ]
--- request eval
[ map { my ($resource, @targets) = @$_; @{ main::covered($resource, @targets) } }
  [ "/media/*", "/media/dir/a.txt", "/media/a.txt?x=1" ], [ "/media/*.txt", "/media/dir/a.txt", "/media/a.txt?x=1" ], [ "/*/a.txt", "/media/dir/a.txt" ],
  [ "/media/?.txt", "/media/a.txt" ], [ "/media/??.txt", "/media/a.txt" ], [ "/media/a.txt?x=*", "/media/a.txt?x=1&y", "/media/a.txt" ], [ "/media/a.tx", "/media/a.txt" ] ]
--- reasons: valid valid valid wrong_path valid valid wrong_path valid wrong_path wrong_path



=== schemes and hosts in a resource
--- config eval: $main::Guarded
--- request eval
main::signed_urls(map { [ resource => $_ ] }
  "https://media.example.org/media/a.txt", "*://media.example.org/media/a.txt", "https://*.example.org/media/a.txt", "https://MEDIA.example.org/media/*", "https://media.example.*", "*", "*.example.org/media/a.txt",
  "http://media.example.org/media/a.txt", "http*://media.example.org/media/a.txt", "HTTPS://media.example.org/media/a.txt", "https://example.org/media/a.txt", "https://media.example.org", "//media.example.org/media/a.txt")
--- reasons eval: [ ("valid") x 7, ("wrong_path") x 6 ]



=== a grant for an address is for no shared cache
--- config eval: main::guarded('expires 1h; add_header Cache-Control public;')
--- request eval: main::signed_urls([ resource => "/*", from => "127.0.0.0/8" ], [ resource => "/*" ])
--- reasons: valid valid
--- response_headers eval: [ "Cache-Control: max-age=3600, private", "Cache-Control: max-age=3600, public" ]



=== so many steps, and no more, are taken to match a resource
--- config eval: $main::Guarded
--- request eval: [ map { "GET " . cf_url("/media/a.txt?" . "a" x 3000, resource => "https://media.example.org/" . $_) } "*?" x 490 . "*a", "*?*?*a" ]
--- reasons: wrong_path valid



=== a public URL that no browser writes is warned of
--- config eval: main::guarded() =~ s{https://media.example.org}{https://Media.example.org:443}r
--- request eval: main::signed_urls([])
--- reasons: bad_signature
--- error_log
crossdomain_media_public_url: https://Media.example.org:443: browsers write "https://media.example.org", which is what signatures are over



=== http*:// where a key allows it
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=KRSA any_http", "rsa2.pub.pem format=cloudfront id=KOTHER")
--- request eval: main::signed_urls(map { ([ resource => "http*://media.example.org/$_" ], [ resource => "http*://media.example.org/$_", key => "rsa2" ]) } "media/*", "media/a.txt")
--- reasons: valid wrong_path valid wrong_path



=== a policy without a resource is one for everything
--- config eval: $main::Guarded
--- user_files eval: [ map { [ $_, "private\n" ] } "media/a.txt", "other/a.txt" ]
--- request eval: main::covered(undef, "/media/a.txt", "/other/a.txt?x=1", "/other//a.txt")
--- reasons: valid valid unsafe_path



=== a question mark with and without a backslash
--- config eval: $main::Guarded
--- request eval
[ map { my ($resource, @targets) = @$_; @{ main::covered("https://media.example.org$resource", @targets) } }
  [ "/media/a.txt\\?x=1", "/media/a.txt?x=1", "/media/a.txt?x=2" ], [ "/media/a.txt\\\\?x=?", "/media/a.txt?x=1", "/media/a.txt?x=12" ], [ "/media/a?txt?x=1", "/media/a.txt?x=1" ], [ "/media/a?txt\\?x=*", "/media/a.txt?x=1" ] ]
--- reasons: valid wrong_path valid wrong_path valid valid



=== a path that can be read in two ways, under one exact policy
--- config eval: $main::Guarded
--- user_files eval: [ map { [ $_, "private\n" ] } "media/a.txt", "media/a\\b.txt" ]
--- request eval
[ map { my $target = $_; map { "GET " . cf_url($target, @$_) } [], [ resource => $target ] } "/media//a.txt", "/media%2Fa.txt", "//media/a.txt", "/media/a%5Cb.txt", "/media/a%5cb.txt" ]
--- reasons eval: [ ("valid") x 10 ]



=== a path that can be read in two ways, under a wide policy
--- config eval: $main::Guarded
--- user_files eval: [ map { [ $_, "private\n" ] } "media/a.txt", "media/a\\b.txt" ]
--- request eval: [ map { @{ main::covered($_, "/media//a.txt", "/media%2Fa.txt", "//media/a.txt", "/media/a%5Cb.txt", "/open%2f..%2fmedia/a.txt") } } "/*", "*", undef ]
--- reasons eval: [ ("unsafe_path") x 15 ]



=== dots lead out of every folder, and are under no policy
--- config eval: $main::Guarded
--- request eval
[ map { my $target = $_; map { "GET " . cf_url($target, @$_) } [], [ resource => $target ], [ resource => "/open/*" ], [ resource => "*" ] }
  "/open/../media/a.txt", "/open/%2e%2e/media/a.txt", "/open/.%2E/media/a.txt", "/open/./../media/a.txt", "/open/x/%2e./../media/a.txt", "/open/..%2fmedia/a.txt" ]
--- reasons eval: [ ("unsafe_path") x 24 ]



=== a raw backslash
--- config eval: $main::Guarded
--- user_files eval: [ [ "media/a\\b.txt", "private\n" ] ]
--- raw_request eval: raw_get("/media/a\\b.txt?" . cf_query("", resource => "/media/*"))
--- refused: 403
--- response_headers
X-Reason: unsafe_path



=== a raw number sign, at which nginx cuts
--- config eval: $main::Guarded
--- raw_request eval: raw_get("/media/a.txt#x?" . cf_query("/media/a.txt#x"))
--- refused: 403
--- response_headers
X-Reason: unsafe_path



=== a raw number sign behind the parameters
--- config eval: $main::Guarded
--- raw_request eval: raw_get("/media/a.txt?" . cf_query("", resource => "/*") . "&x=#y")
--- refused: 403
--- response_headers
X-Reason: unsafe_path



=== escapes are signed as they are sent
--- config eval: $main::Guarded
--- user_files eval: [ [ "media/\xc3\xbc a.txt", "private\n" ] ]
--- request eval: [ map { "GET /media/%C3%BC%20a.txt?" . cf_query($_) } "/media/%C3%BC%20a.txt", "/media/%c3%bc%20a.txt", "/media/\xc3\xbc a.txt", "/media/%C3%BC+a.txt" ]
--- reasons: valid bad_signature bad_signature bad_signature



=== Django's, JWT's and CloudFront's keys in one location
--- config eval
main::guarded('crossdomain_media_max_age 1h; crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=django; crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt id=jwt;')
--- request eval
main::asks(token_arg("/media/a.txt"), "token=" . jwt({ path => "/media/*" }), cf_query("/media/a.txt"), "", "x=1", cf_query("/media/a.txt", end => 1), "token=x")
--- more_headers eval: [ ("") x 3, "Cookie: " . cf_cookies("/media/a.txt"), ("") x 3 ]
--- reasons: valid valid valid valid no_token token_expired token_malformed
--- response_headers eval: [ map { "X-Key: $_.\nVary: Cookie" } "django", "jwt", "KRSA", "KRSA", "", "", "" ]



=== a token and a signed URL at once: the first that grants decides, otherwise the first
--- config eval
main::guarded('crossdomain_media_max_age 1h; crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=django; crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt id=jwt;')
--- request eval
my $late = "token=" . jwt({ path => "/media/*", exp => 1 });
my $elsewhere = "token=" . jwt({ path => "/other/*" });
main::asks(token_arg("/media/a.txt") . "&" . cf_query("/media/b.txt"), cf_query("/media/b.txt") . "&" . token_arg("/media/a.txt"), "$late&" . cf_query("/media/a.txt?$late"), "token=x&" . cf_query("/media/a.txt", resource => "/media/*"),
  "$late&" . cf_query("/media/a.txt"), "$elsewhere&" . cf_query("/media/a.txt", resource => "/*", end => 1), "token=&Expires=1", $late, $elsewhere)
--- more_headers eval: [ ("") x 7, ("Cookie: " . cf_cookies("/media/a.txt", resource => "/media/*")) x 2 ]
--- reasons: valid valid valid valid token_expired wrong_path token_empty valid valid
--- response_headers eval: [ map { "X-Key: $_." } "django", "django", "KRSA", "KRSA", "", "", "", "KRSA", "KRSA" ]



=== forged signatures of all kinds count together
--- config eval
main::guarded('crossdomain_media_token cookie:t; crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt id=jwt;')
--- request eval: main::asks(("") x 3)
--- more_headers eval
my $forged = "t=" . jwt({ path => "/*" }, secret => "x" x 40, header => { kid => "jwt" });
my $good = cf_cookies("", resource => "/*");
# Whichever order they have in the request, one look at CloudFront's is left.
[ "Cookie: $forged; $good", "Cookie: $forged; $forged; $forged; $forged; $forged; $good", "Cookie: $good; $forged; $forged; $forged" ]
--- reasons: valid valid valid



=== many sources do not hide each other
--- config eval
main::guarded('crossdomain_media_token cookie:t header:X-Token arg:token; crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt id=jwt;')
--- request eval: my $t = jwt({ path => "/media/*" }); main::asks("", "", "token=$t", cf_query("/media/a.txt"), "", "", "")
--- more_headers eval
my $t = jwt({ path => "/media/*" });
[ "Cookie: t=$t", "X-Token: $t", "", "", "Cookie: " . cf_cookies("/media/a.txt"), "Cookie: t=x; t=$t", "Cookie: t=x; t=y; t=z; " . cf_cookies("/media/a.txt") . "\nX-Token: x" ]
--- reasons: valid valid valid valid valid valid valid
--- response_headers eval: [ map { "X-Key: $_." } ("jwt") x 3, "KRSA", "KRSA", "jwt", "KRSA" ]



=== every credential is taken out, whichever decides
--- http_config eval: $main::Upstream
--- config eval
main::guarded("crossdomain_media_token arg:token cookie:t; crossdomain_media_max_age 1h; crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key id=django; $main::Proxy")
--- request eval: main::asks("x=1&" . token_arg("/media/a.txt") . "&Policy=y&z", "x=1&token=y&z", "x=1&z")
--- more_headers eval: [ "Cookie: a=1; CloudFront-Policy=x; t=y", "Cookie: t=y; a=1; " . cf_cookies("", resource => "/*"), "Cookie: a=1; CloudFront-Policy=x; t=" . percent(token("/media/a.txt")) ]
--- reasons: valid valid valid
--- response_headers eval: [ ("X-Seen: /media/a.txt?x=1&z|x=1&z|a=1|1") x 3 ]



=== an argument named token is the application's own where only CloudFront's keys are
--- http_config eval: $main::Upstream
--- config eval: main::guarded($main::Proxy)
--- request eval
[ "GET " . cf_url("/media/a.txt?token=x"), "GET " . cf_url("/media/a.txt?x=1&token=&token=y"), "GET /media/a.txt?token=x&" . cf_query("/media/a.txt"), "GET /media/a.txt?token=x" ]
--- reasons: valid valid bad_signature no_token
--- response_headers eval
[ "X-Seen: /media/a.txt?token=x|token=x||", "X-Seen: /media/a.txt?x=1&token=&token=y|x=1&token=&token=y||", "! X-Seen", "Location: https://www.example.com/media/a.txt?token=x" ]



=== what no key takes is the application's own, also where a source is named
--- http_config eval: $main::Upstream
--- config eval: main::guarded("crossdomain_media_token arg:token cookie:t; $main::Proxy")
--- request eval: [ "GET " . cf_url("/media/a.txt?token=x"), "GET /media/a.txt?token=x", "GET " . cf_url("/media/a.txt?token=x", end => 1) ]
--- more_headers: Cookie: t=x
--- reasons: valid no_token token_expired
--- response_headers eval: [ "X-Seen: /media/a.txt?token=x|token=x|t=x|", "! X-Seen", "! X-Seen" ]



=== where a source is named, and a key takes it, it is looked at first
--- http_config eval: $main::Upstream
--- config eval: main::guarded("crossdomain_media_token arg:token; $main::Proxy", $main::Keys . 'crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt;')
--- request eval: [ "GET " . cf_url("/media/a.txt?token=x"), "GET /media/a.txt?token=x", "GET /media/a.txt?token=x&" . cf_query("/media/a.txt", end => 1) ]
--- reasons: valid token_malformed token_malformed
--- response_headers eval: [ "X-Seen: /media/a.txt|||", "! X-Seen", "! X-Seen" ]



=== a source that has the name of one of CloudFront's
--- http_config eval: $main::Upstream
--- config eval: main::guarded("crossdomain_media_token arg:Signature cookie:CloudFront-Policy; $main::Proxy", $main::Keys . 'crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt;')
--- request eval: main::asks(cf_query("/media/a.txt?x=1") . "&x=1", "x=1", cf_query("/media/b.txt"))
--- more_headers eval: [ "", "Cookie: a=1; " . cf_cookies("", resource => "/*"), "" ]
--- reasons: valid valid token_malformed
--- response_headers eval: [ "X-Seen: /media/a.txt?x=1|x=1||", "X-Seen: /media/a.txt?x=1|x=1|a=1|1", "! X-Seen" ]



=== the variables tell what was granted
--- config eval
main::guarded('add_header X-Status $crossdomain_media_status always; add_header X-Expires "$crossdomain_media_expires." always; add_header X-Remaining "$crossdomain_media_remaining." always; add_header X-Subject "$crossdomain_media_subject." always; add_header X-Uri $crossdomain_media_uri always; add_header X-Return $crossdomain_media_return_url always;')
--- request eval
[ (map { "GET " . cf_url("/media/a.txt?x=1", @$_) } [ end => 4102444800 ], [ end => 4102444800, resource => "/*" ], [ end => 1 ], [ resource => "/other/*" ]), "GET /media/a.txt?x=1&Expires=1" ]
--- error_code eval: [ 200, 200, 302, 403, 302 ]
--- response_headers_like eval
my $granted = "X-Status: granted\nX-Reason: valid\nX-Key: KRSA[.]\nX-Expires: 4102444800[.]\nX-Remaining: [1-9][0-9]{8,9}[.]\nX-Subject: [.]\nX-Uri: /media/a[.]txt[?]x=1\nX-Return: https%3A%2F%2Fmedia.example.org%2Fmedia%2Fa.txt%3Fx%3D1";
my $rest = "X-Key: [.]\nX-Expires: [.]\nX-Remaining: [.]\nX-Uri: /media/a[.]txt[?]x=1\nX-Return: https%3A%2F%2Fmedia.example.org%2Fmedia%2Fa.txt%3Fx%3D1";
[ $granted, $granted, "X-Status: expired\nX-Reason: token_expired\n$rest", "X-Status: invalid\nX-Reason: wrong_path\n$rest", "X-Status: missing\nX-Reason: token_incomplete\n$rest" ]



=== what remains is what the policy states, whatever the leeway
--- config eval: main::guarded('crossdomain_media_leeway 1h; add_header X-Remaining $crossdomain_media_remaining always;')
--- request eval: main::signed_urls([ end => time - 5 ], [ end => time - 5, resource => "/*" ])
--- reasons: valid valid
--- response_headers eval: [ ("X-Remaining: 0") x 2 ]



=== an upstream sees no parameter, and all else as it came
--- http_config eval: $main::Upstream
--- config eval: main::guarded($main::Proxy)
--- request eval
my @cf = split /&/, cf_query("/media/a.txt?x=%2f+&&policy=1&z", resource => "/*", hash => "SHA256");
[ "GET /media/a.txt?x=%2f+&$cf[0]&&policy=1&$cf[1]&$cf[2]&z&$cf[3]", "GET /media/a.txt?" . CORE::join("&", @cf), "GET /media/a.txt?$cf[3]&x&" . CORE::join("&", @cf[ 0 .. 2 ]) =~ s/Policy/Pol%69cy/r, "GET /media/a.txt?&" . CORE::join("&", @cf) . "&" ]
--- reasons: valid valid valid valid
--- response_headers eval
[ "X-Seen: /media/a.txt?x=%2f+&&policy=1&z|x=%2f+&&policy=1&z||", "X-Seen: /media/a.txt|||", "X-Seen: /media/a.txt?x|x||", "X-Seen: /media/a.txt?&|&||" ]



=== an upstream sees none of the five cookies, and all others byte for byte
--- http_config eval: $main::Upstream
--- config eval: main::guarded($main::Proxy)
--- request eval: main::asks(("") x 5)
--- more_headers eval
my @cf = split /; /, cf_cookies("", resource => "/*", hash => "SHA256");
[ "Cookie: a=1;b=\"x y\" ;$cf[0];$cf[1]; $cf[2] ;c;$cf[3]", "Cookie: " . CORE::join("; ", @cf, "a==; b"), "Cookie: $cf[0]; a=%20\nCookie: " . CORE::join("; ", @cf[ 1 .. 3 ]) . "\nCookie: b=2",
  "Cookie: " . CORE::join("; ", @cf, "cloudfront-policy=1", "CloudFront-Policy2=2", "xCloudFront-Policy=3", "a=CloudFront-Policy=4"), "Cookie: " . CORE::join("; ", @cf, "CloudFront-policy=1", "CloudFront-Other=2") ]
--- reasons: valid valid valid valid valid
--- response_headers eval
[ map { "X-Seen: /media/a.txt||$_" } "a=1;b=\"x y\" ;c|1", "a==; b|=", "a=%20; b=2|%20", "cloudfront-policy=1; CloudFront-Policy2=2; xCloudFront-Policy=3; a=CloudFront-Policy=4|CloudFront-Policy=4", "CloudFront-policy=1; CloudFront-Other=2|" ]



=== cookies go also where the URL decides
--- http_config eval: $main::Upstream
--- config eval: main::guarded($main::Proxy)
--- request eval: "GET " . cf_url("/media/a.txt")
--- more_headers eval: "Cookie: a=1; " . cf_cookies("/media/b.txt")
--- reasons: valid
--- response_headers
X-Seen: /media/a.txt||a=1|1



=== an upstream gets no empty Cookie line
--- config eval: main::guarded($main::RawProxy)
--- request
GET /media/a.txt
--- more_headers eval: "X-First: 1\nCookie: " . cf_cookies("", resource => "/*") . "\nX-Last: 2"
--- upstream_gets eval: [ "GET /media/a.txt HTTP/1.0", "Host: upstream", "Connection: close", "X-First: 1", "X-Last: 2" ]
--- reasons: valid



=== nginx's own variables show no credential, also if an earlier phase looked at them
--- config eval
'set $early "$http_cookie$args$request_uri";' . main::guarded('set $inner "$http_cookie"; add_header X-Seen "$http_cookie|$args|$request_uri|$arg_expires|$request" always;')
--- request eval: [ "GET " . cf_url("/media/a.txt"), "GET /media/a.txt?x=1" ]
--- more_headers eval: [ "", "Cookie: " . cf_cookies("", resource => "/*") . "; a=1" ]
--- reasons: valid valid
--- response_headers eval
[ "X-Seen: ||/media/a.txt||GET /media/a.txt?Expires=***&Signature=***&Key-Pair-Id=*** HTTP/1.1", "X-Seen: a=1|x=1|/media/a.txt?x=1||GET /media/a.txt?x=1 HTTP/1.1" ]



=== no log shows a credential of a URL
--- http_config
    log_format seen 'seen $http_cookie|$request|$args';
--- config eval: main::guarded("access_log logs/access.log seen;")
--- request eval: main::asks(cf_query("/media/a.txt", resource => "/media/*", hash => "SHA256"))->[0]
--- granted
--- access_log
seen -|GET /media/a.txt?Policy=***&Signature=***&Key-Pair-Id=***&Hash-Algorithm=*** HTTP/1.1|-
--- no_access_log eval: my @opt = (resource => "/media/*", hash => "SHA256"); [ map { main::part($_, @opt) } "Policy", "Signature" ]
--- no_error_log eval: my @opt = (resource => "/media/*", hash => "SHA256"); [ map { main::part($_, @opt) } "Policy", "Signature" ]



=== no log shows a credential of cookies
--- http_config
    log_format seen 'seen $http_cookie|$request|$args';
--- config eval: main::guarded("access_log logs/access.log seen;")
--- request
GET /media/b.txt?x=1
--- more_headers eval: "Cookie: a=1; " . cf_cookies("/media/a.txt")
--- refused: 403
--- access_log
seen a=1|GET /media/b.txt?x=1 HTTP/1.1|x=1
--- error_log
crossdomain_media: invalid, reason: bad_signature, uri: "/media/b.txt?x=1"
--- no_access_log eval: main::part("Signature")
--- no_error_log eval: main::part("Signature")



=== strip off: upstreams see everything
--- http_config eval: $main::Upstream
--- config eval: main::guarded("crossdomain_media_strip off; $main::Proxy")
--- request eval: [ "GET " . cf_url("/media/a.txt?x=1"), "GET /media/a.txt", "GET " . cf_url("/media/a.txt?x=1", end => 1) ]
--- more_headers eval: [ "Cookie: CloudFront-Policy=x", "Cookie: a=1; " . cf_cookies("/media/a.txt"), "" ]
--- reasons: valid valid token_expired
--- response_headers eval
my ($query, $cookies) = (cf_query("/media/a.txt?x=1"), cf_cookies("/media/a.txt"));
[ "X-Seen: /media/a.txt?x=1&$query|x=1&$query|CloudFront-Policy=x|", "X-Seen: /media/a.txt||a=1; $cookies|1\nCache-Control: private", "Location: https://www.example.com/media/a.txt?x=1" ]



=== a URL that evaluates to off gives the request its parameters and cookies back
--- http_config eval: "map \$uri \$app { volatile; default https://www.example.com; ~^/media/public/ off; } $main::Upstream"
--- config eval: main::guarded($main::Proxy) =~ s{https://www.example.com}{\$app}r
--- user_files eval: [ map { [ $_, "private\n" ] } "media/public/p.txt", "media/a.txt" ]
--- request eval: [ "GET /media/public/p.txt?x&Policy=y&z", "GET /media/public/p.txt", "GET /media/a.txt?x" ]
--- more_headers eval: [ "Cookie: a=1; CloudFront-Policy=x", "Cookie: CloudFront-Signature=x\nCookie: a=1", "Cookie: a=1; " . cf_cookies("", resource => "/*") ]
--- error_code eval: [ 200, 200, 200 ]
--- response_headers eval
[ "X-Seen: /media/public/p.txt?x&Policy=y&z|x&Policy=y&z|a=1; CloudFront-Policy=x|1\n! Vary\n! Cache-Control\n! Referrer-Policy", "X-Seen: /media/public/p.txt||CloudFront-Signature=x; a=1|1\n! Vary\n! Cache-Control",
  "X-Seen: /media/a.txt?x|x|a=1|1\nVary: Cookie\nCache-Control: private" ]



=== public_url with another scheme and a port
--- config eval: $main::Guarded =~ s{https://media.example.org}{http://media.example.org:8080}r
--- request eval: main::signed_urls(map { [ site => $_ ] } "http://media.example.org:8080", "https://media.example.org:8080", "http://media.example.org", "http://localhost:8080")
--- more_headers eval: [ map { "Host: $_" } "localhost", "media.example.org:8080", "media.example.org", "localhost:8080" ]
--- reasons: valid bad_signature bad_signature bad_signature



=== public_url counts, and not what server names match
--- config eval: "server_name a.example.net; $main::Guarded"
--- request eval: main::signed_urls(map { [ site => $_ ] } "https://media.example.org", "http://a.example.net:" . Test::Nginx::Util::server_port())
--- more_headers eval: [ ("Host: a.example.net") x 2 ]
--- reasons: valid bad_signature



=== a site's own name: the server name that matched, and the port
--- config eval: "server_name media.example.org *.example.net .example.com www.example.*; " . main::nameless()
--- request eval
my $port = Test::Nginx::Util::server_port();
main::signed_urls(map { [ site => "http://$_:$port" ] } "media.example.org", "a.example.net", "a.b.example.net", "example.com", "b.example.com", "www.example.xyz", "example.net", "other.example.org")
--- more_headers eval: [ map { "Host: $_" } "media.example.org", "a.example.net", "a.b.example.net", "example.com", "b.example.com", "www.example.xyz", "example.net", "other.example.org" ]
--- reasons: valid valid valid valid valid valid bad_signature bad_signature



=== a site's own name in a custom policy
--- config eval: "server_name media.example.org *.example.net; " . main::nameless()
--- request eval
my $port = Test::Nginx::Util::server_port();
main::signed_urls(map { [ resource => $_ ] } "http://media.example.org:$port/media/*", "*://*.example.net:$port/media/*", "http://media.example.org/media/*", "http://*/media/*", "http://*/media/*", "*", undef)
--- more_headers eval: [ map { "Host: $_" } "media.example.org", "a.example.net", "media.example.org", "a.example.net", "unknown.example", "unknown.example", "unknown.example" ]
--- reasons: valid valid wrong_path valid wrong_path valid valid



=== a site's own name in a cookie
--- config eval: "server_name media.example.org; " . main::nameless()
--- request eval: main::asks("", "")
--- more_headers eval
my $port = Test::Nginx::Util::server_port();
[ map { "Host: $_\nCookie: " . cf_cookies("/media/a.txt", site => "http://$_:$port") } "media.example.org", "other.example.org" ]
--- reasons: valid bad_signature



=== the case of a host and its port in the Host header mean nothing
--- config eval: "server_name media.example.org Other.Example.org; " . main::nameless()
--- request eval: main::signed_urls(map { [ site => "http://$_:" . Test::Nginx::Util::server_port() ] } ("media.example.org") x 3, "other.example.org", "MEDIA.example.org")
--- more_headers eval: [ map { "Host: $_" } "MEDIA.Example.org", "media.example.org:1", "media.example.org.", "OTHER.example.org", "MEDIA.example.org" ]
--- reasons: valid valid valid valid bad_signature



=== a regular expression is no name
--- server_name eval: '~^m.*\.example\.org$'
--- config eval: main::nameless()
--- request eval: main::signed_urls([ site => "http://media.example.org:" . Test::Nginx::Util::server_port() ])->[0]
--- more_headers
Host: media.example.org
--- reasons: bad_signature
--- error_log eval: qr/\[warn\] .*crossdomain_media: CloudFront's signatures are over scheme and host/



=== a request without a host
--- config eval: main::nameless()
--- raw_request eval: "GET " . cf_url("/media/a.txt", site => "http://localhost:" . Test::Nginx::Util::server_port()) . " HTTP/1.0\r\n\r\n"
--- refused: 403
--- response_headers
X-Reason: bad_signature



=== an absolute-form target says its host itself, and not its scheme
--- config eval: "server_name media.example.org; " . main::nameless()
--- raw_request eval: raw_get("https://media.example.org" . cf_url("/media/a.txt", site => "http://media.example.org:" . Test::Nginx::Util::server_port()))
--- granted



=== the usual ports go without saying
--- skip_eval: 2: !$main::Usual_ports
--- http_config eval
"server { listen $main::Loopback:80; server_name media.example.org; root html; " . main::nameless() . " }
 server { listen $main::Loopback:443 ssl; server_name media.example.org; root html; ssl_certificate \$TEST_NGINX_JWT_DIR/tls.pem; ssl_certificate_key \$TEST_NGINX_JWT_DIR/rsa.pem; " . main::nameless() . " }"
--- config eval
"proxy_set_header Host media.example.org; proxy_ssl_server_name on; proxy_ssl_name media.example.org;
 location / { proxy_pass http://$main::Loopback; location /media/tls/ { proxy_pass https://$main::Loopback; } }"
--- user_files eval: [ map { [ $_, "private\n" ] } "media/a.txt", "media/tls/a.txt" ]
--- request eval
[ map { my $target = $_; map { "GET " . cf_url($target, site => "$_") } "http://media.example.org", "https://media.example.org", "http://media.example.org:80", "https://media.example.org:443" } "/media/a.txt", "/media/tls/a.txt" ]
--- reasons: valid bad_signature bad_signature bad_signature bad_signature valid bad_signature bad_signature



=== a listener without a port has no origin unless it is told
--- http_config eval: "server { listen \$TEST_NGINX_UPSTREAM; server_name media.example.org; root html; " . main::nameless() . " }"
--- config eval: "location / { $main::Proxy proxy_set_header Host media.example.org; }"
--- request eval: main::signed_urls([], [ site => "http://media.example.org" ], [ resource => "*" ], [ resource => undef ])
--- reasons: bad_signature bad_signature valid valid



=== what is verified is the URL that the viewer sent: proxy_pass with a URI
--- http_config eval: $main::Upstream
--- config eval: main::guarded("proxy_pass http://\$TEST_NGINX_UPSTREAM:/media/;") =~ s{location /}{location /front/}r
--- request eval: [ "GET " . cf_url("/front/a.txt?x=1"), "GET " . cf_url("/front/a.txt", resource => "/front/*"), "GET /front/a.txt?" . cf_query("/media/a.txt") ]
--- reasons: valid valid bad_signature
--- response_headers eval: [ "X-Seen: /media/a.txt?x=1|x=1||", "X-Seen: /media/a.txt|||", "! X-Seen" ]



=== what is verified is the URL that the viewer sent: alias
--- config eval: main::guarded('alias $TEST_NGINX_HTML_DIR/media/;') =~ s{location /}{location /front/}r
--- request eval: [ "GET " . cf_url("/front/a.txt"), "GET /front/a.txt?" . cf_query("/media/a.txt"), "GET /front/a.txt?" . cf_query("", resource => "/media/*") ]
--- reasons: valid bad_signature wrong_path



=== what is verified is the URL that the viewer sent: rewrite
--- http_config eval: $main::Upstream
--- config eval: main::guarded("rewrite ^/front/(.*)\$ /media/\$1?own=2 break; $main::Proxy") =~ s{location /}{location /front/}r
--- request eval: [ "GET " . cf_url("/front/a.txt?x=1"), "GET /front/a.txt?" . cf_query("/media/a.txt"), "GET /front/a.txt?" . cf_query("/media/a.txt?own=2") ]
--- reasons: valid bad_signature bad_signature
--- response_headers eval: [ "X-Seen: /media/a.txt?own=2&x=1|own=2&x=1||", "! X-Seen", "! X-Seen" ]



=== try_files, by URL and by cookies
--- config eval: main::guarded("try_files /none /media/none /media/dir/x.txt =404;")
--- user_files eval: [ [ "media/dir/x.txt", "private\n" ] ]
--- request eval: main::asks(cf_query("/media/a.txt"), "", "", cf_query("/media/dir/x.txt"))
--- more_headers eval: [ "", "Cookie: " . cf_cookies("/media/a.txt"), "Cookie: " . cf_cookies("/media/dir/x.txt"), "" ]
--- reasons: valid valid bad_signature bad_signature



=== try_files into a location with other keys
--- config eval
main::guarded("try_files /none /media/second/a.txt;") . "location /media/second/ { " . main::guard("", 'crossdomain_media_key $TEST_NGINX_JWT_DIR/rsa2.pub.pem format=cloudfront id=KOTHER;') . " }"
--- request eval: [ "GET " . cf_url("/media/a.txt"), "GET /media/a.txt" ]
--- more_headers eval: [ "", "Cookie: " . cf_cookies("", resource => "*") ]
--- reasons: unknown_key unknown_key



=== try_files into a location with the same keys
--- config eval: main::guarded("try_files /none /media/second/a.txt;") . "location /media/second/ { " . main::guard() . " }"
--- user_files eval: [ [ "media/second/a.txt", "private\n" ] ]
--- request eval: [ "GET " . cf_url("/media/a.txt"), "GET /media/a.txt", "GET /media/a.txt", "GET /media/a.txt?" . cf_query("/media/a.txt?x=1") ]
--- more_headers eval: [ "", "Cookie: " . cf_cookies("", resource => "/media/*"), "Cookie: " . cf_cookies("", resource => "/media/second/*"), "" ]
--- reasons: valid valid wrong_path bad_signature
--- response_headers eval: [ "! Cache-Control\nVary: Cookie", "Cache-Control: private\nVary: Cookie", "Cache-Control: no-store", "Cache-Control: no-store" ]



=== try_files from a location with keys of another format
--- http_config eval: $main::Upstream
--- config eval
main::guarded("crossdomain_media_max_age 1h; try_files /none /media/second/a.txt;", 'crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=django;') .
  "location /media/second/ { " . main::guard($main::Proxy) . " }"
--- user_files eval: [ [ "media/second/a.txt", "private\n" ] ]
--- request eval
my $token = token_arg("/media/a.txt");
[ "GET " . cf_url("/media/a.txt?$token&x=1"), "GET /media/a.txt?$token&" . cf_query("/media/a.txt"), "GET /media/a.txt?$token", "GET /media/a.txt?$token" ]
--- more_headers eval: [ ("") x 3, "Cookie: a=1; " . cf_cookies("", resource => "/media/*") ]
--- reasons: valid bad_signature no_token valid
--- response_headers eval: [ "X-Seen: /media/second/a.txt|||", "! X-Seen", "! X-Seen", "X-Seen: /media/second/a.txt||a=1|1" ]



=== an index is decided by what the viewer asked for
--- config eval: main::guarded("index x.txt;")
--- user_files eval: [ [ "media/x.txt", "private\n" ] ]
--- request eval: [ "GET " . cf_url("/media/"), "GET /media/", "GET /media/?" . cf_query("/media/x.txt"), "GET /media/" ]
--- more_headers eval: [ "", "Cookie: " . cf_cookies("", resource => "/media/*"), "", "" ]
--- reasons: valid valid bad_signature no_token



=== an error page decides nothing anew, and sees no credential
--- http_config eval: $main::Upstream
--- config eval: main::guarded("error_page 403 /denied;") . "location = /denied { $main::Proxy }"
--- user_files
>>> denied
sorry
--- request eval: [ "GET /media/a.txt?x=1&" . cf_query("/media/b.txt"), "GET /media/a.txt?x=1" ]
--- more_headers eval: [ "", "Cookie: a=1; " . cf_cookies("/media/b.txt") ]
--- error_code eval: [ 403, 403 ]
--- response_body eval: [ "sorry\n", "sorry\n" ]
--- response_headers eval: [ map { "X-Seen: /denied||$_\nCache-Control: no-store\nVary: Cookie" } "|", "a=1|1" ]



=== a named location for what is missing or invalid sees no credential
--- http_config eval: $main::Upstream
--- config eval: main::guarded("crossdomain_media_on missing invalid \@app;") . "location \@app { $main::Proxy }"
--- user_files
>>> media/a.txt
the application
--- request eval: main::asks("x=1&Signature=y", "x=1&" . cf_query("/media/b.txt"), "x=1", "x=1&" . cf_query("/media/a.txt?x=1", end => 1))
--- more_headers eval: [ "", "", "Cookie: a=1; " . cf_cookies("/media/b.txt"), "" ]
--- error_code eval: [ 200, 200, 200, 302 ]
--- response_body eval: [ ("the application\n") x 3, qr/302/ ]
--- response_headers eval: [ (map { "X-Seen: /media/a.txt?x=1|x=1|$_" } "|", "|", "a=1|1"), "Location: https://www.example.com/media/a.txt?x=1" ]



=== X-Accel-Redirect into a guarded location
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { add_header X-Accel-Redirect /media/a.txt; return 200; }
    }
--- config eval: main::guarded() . "location /front/ { " . main::guard($main::Proxy) . " }"
--- request eval: [ "GET " . cf_url("/front/a.txt"), "GET /front/a.txt", "GET /front/a.txt" ]
--- more_headers eval: [ "", "Cookie: " . cf_cookies("", resource => "/front/*"), "Cookie: " . cf_cookies("", resource => "/media/*") ]
--- reasons: valid valid wrong_path



=== X-Accel-Redirect to what is open to no one else
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { add_header X-Accel-Redirect /media/a.txt; return 200; }
    }
--- config eval: "location /front/ { " . main::guard($main::Proxy) . " } location /media/ { internal; crossdomain_media off; }"
--- request eval: [ "GET " . cf_url("/front/a.txt"), "GET /front/a.txt?" . cf_query("/media/a.txt"), "GET " . cf_url("/media/a.txt") ]
--- error_code eval: [ 200, 403, 404 ]
--- response_body eval: [ "private\n", qr/403/, qr/404/ ]



=== auth_request's subrequest sees no credential
--- http_config eval: $main::Upstream
--- config eval
main::guarded("auth_request /auth; auth_request_set \$seen \$upstream_http_x_seen; add_header X-Auth \$seen always;") . "location = /auth { internal; crossdomain_media off; proxy_pass http://\$TEST_NGINX_UPSTREAM:\$request_uri; }"
--- request eval: [ "GET /media/a.txt?x=1", "GET " . cf_url("/media/a.txt?x=1") ]
--- more_headers eval: [ "Cookie: a=1; " . cf_cookies("/media/a.txt?x=1"), "" ]
--- reasons: valid valid
--- response_headers eval: [ "X-Auth: /media/a.txt?x=1|x=1|a=1|1", "X-Auth: /media/a.txt?x=1|x=1||" ]



=== a part of the file
--- config eval: $main::Guarded
--- request eval: main::asks(cf_query("/media/a.txt"), "", cf_query("/media/b.txt"))
--- more_headers eval: [ "Range: bytes=0-2", "Range: bytes=3-5\nCookie: " . cf_cookies("", resource => "/*"), "Range: bytes=0-2" ]
--- error_code eval: [ 206, 206, 403 ]
--- response_body eval: [ "pri", "vat", qr/403/ ]
--- response_headers eval: [ "! Cache-Control\nVary: Cookie\nReferrer-Policy: no-referrer", "Cache-Control: private\nVary: Cookie", "Cache-Control: no-store" ]



=== HEAD
--- config eval: $main::Guarded
--- request eval: [ map { "HEAD /media/a.txt?$_" } cf_query("/media/a.txt"), cf_query("/media/a.txt", end => 1), cf_query("/media/b.txt") ]
--- error_code eval: [ 200, 302, 403 ]
--- response_body eval: [ "", "", "" ]
--- response_headers eval: [ map { "X-Reason: $_" } "valid", "token_expired", "bad_signature" ]



=== HTTP/2: a signed URL
--- http2
--- http_config eval: $main::Upstream
--- config eval: main::guarded($main::Proxy)
--- request eval: "GET " . cf_url("/media/a.txt?x=1")
--- granted
--- response_headers
X-Seen: /media/a.txt?x=1|x=1||
--- access_log
"GET /media/a.txt?x=1&Expires=***&Signature=***&Key-Pair-Id=*** HTTP/2.0" 200



=== HTTP/2: cookies that come one by one
--- http2
--- http_config eval: $main::Upstream
--- config eval: main::guarded($main::Proxy)
--- request
GET /media/a.txt
--- more_headers eval: CORE::join "\n", "Cookie: a=1", map({ "Cookie: $_" } split /; /, cf_cookies("", resource => "/*")), "Cookie: b=2"
--- error_code: 200
--- response_body
private
--- response_headers
X-Seen: /media/a.txt||a=1; b=2|1
Cache-Control: private
Vary: Cookie



=== HTTP/2: the site's own name
--- http2
--- config eval: main::nameless()
--- request eval: "GET " . cf_url("/media/a.txt", site => "http://localhost:" . Test::Nginx::Util::server_port())
--- granted



=== HTTP/2: an expired URL
--- http2
--- config eval: $main::Guarded
--- request eval: "GET " . cf_url("/media/a.txt?x=1", end => 1)
--- redirected: https://www.example.com/media/a.txt?x=1



=== keepalive: what one request carried is not the next one's
--- config eval: $main::Guarded
--- pipelined_requests eval: main::asks(cf_query("/media/a.txt"), "", "", "Hash-Algorithm=SHA1", cf_query("/media/a.txt", key => "ec"))
--- more_headers eval: [ "", "", "Cookie: " . cf_cookies("", resource => "/*"), "", "" ]
--- reasons: valid no_token valid token_incomplete valid



=== other methods
--- config eval: $main::Guarded
--- request eval: [ map { "DELETE /media/a.txt?$_" } cf_query("/media/a.txt"), cf_query("/media/b.txt"), "" ]
--- error_code eval: [ 405, 403, 302 ]



=== satisfy any: an allowed address grants, and the credential is gone all the same
--- http_config eval: $main::Upstream
--- config eval: main::guarded("satisfy any; allow 127.0.0.1; deny all; $main::Proxy")
--- request eval: main::asks("x=1&" . cf_query("/media/b.txt"), "x=1", "x=1&Policy=y")
--- more_headers eval: [ "", "Cookie: a=1; " . cf_cookies("/media/b.txt"), "" ]
--- error_code eval: [ 200, 200, 200 ]
--- response_body eval: [ ("private\n") x 3 ]
--- response_headers eval: [ map { "X-Seen: /media/a.txt?x=1|x=1|$_" } "|", "a=1|1", "|" ]



=== satisfy any: another address needs a signature
--- config eval: main::guarded("satisfy any; deny all;")
--- request eval: main::asks(cf_query("/media/a.txt"), cf_query("/media/b.txt"), "", "", cf_query("/media/a.txt", end => 1))
--- more_headers eval: [ "", "", "Cookie: " . cf_cookies("", resource => "/*"), "", "" ]
--- reasons: valid bad_signature valid no_token token_expired



=== satisfy all: a signature is not enough
--- config eval: main::guarded("deny all;")
--- request eval: main::asks(cf_query("/media/a.txt"), cf_query("/media/a.txt", end => 1))
--- error_code eval: [ 403, 403 ]
--- response_headers eval: [ ("! Location") x 2 ]



=== a dry run lets all through, strips, and says what it would have done
--- http_config eval: $main::Upstream
--- config eval: main::guarded("crossdomain_media_dry_run on; $main::Proxy")
--- request eval: main::asks(cf_query("/media/b.txt"), "", "Signature=x", cf_query("/media/a.txt", end => 1), cf_query("/media/a.txt"))
--- more_headers eval: [ "", "Cookie: a=1; " . cf_cookies("/media/b.txt"), "", "", "" ]
--- error_code eval: [ (200) x 5 ]
--- response_body eval: [ ("private\n") x 5 ]
--- response_headers eval: [ map { "X-Reason: $_->[0]\nX-Seen: /media/a.txt||$_->[1]" } [ "bad_signature", "|" ], [ "bad_signature", "a=1|1" ], [ "token_incomplete", "|" ], [ "token_expired", "|" ], [ "valid", "|" ] ]



=== a dry run logs what it would have done
--- config eval: main::guarded("crossdomain_media_dry_run on;")
--- request eval: main::asks(cf_query("/media/a.txt", end => 1))->[0]
--- response_body
private
--- error_log
crossdomain_media: dry run, expired, reason: token_expired, key: "KRSA", uri: "/media/a.txt"



=== actions of one's own
--- config eval: main::guarded("crossdomain_media_on missing 401; crossdomain_media_on expired 410; crossdomain_media_on invalid redirect; crossdomain_media_redirect_code 303;")
--- request eval: main::asks("", "Policy=x", cf_query("/media/a.txt", end => 1), cf_query("/media/b.txt"), cf_query("/media/a.txt"))
--- error_code eval: [ 401, 401, 410, 303, 200 ]
--- response_headers eval: [ ("! Location\nCache-Control: no-store") x 3, "Location: https://www.example.com/media/a.txt", "! Location" ]



=== proxy_cache: one entry for all who are granted, and none for others
--- http_config eval: "proxy_cache_path \$TEST_NGINX_SERVER_ROOT/media_cache keys_zone=media:1m; $main::Upstream"
--- config eval: main::guarded("proxy_cache media; proxy_cache_valid any 1m; add_header X-Cache \$upstream_cache_status always; $main::Proxy")
--- request eval: main::asks(cf_query("/media/a.txt"), cf_query("/media/a.txt", key => "ec"), "", "", cf_query("/media/a.txt", end => 1))
--- more_headers eval: [ "", "", "Cookie: " . cf_cookies("", resource => "/*"), "", "" ]
--- reasons: valid valid valid no_token token_expired
--- response_headers eval: [ "X-Cache: MISS\n! Cache-Control", "X-Cache: HIT\n! Cache-Control", "X-Cache: HIT\nCache-Control: private", "! X-Cache", "! X-Cache" ]



=== what invites shared caches is taken back where a cookie granted
--- config eval: main::guarded('add_header Cache-Control "public, max-age=60, s-maxage=600"; add_header CDN-Cache-Control max-age=600;')
--- request eval: main::asks(cf_query("/media/a.txt"), "")
--- more_headers eval: [ "", "Cookie: " . cf_cookies("/media/a.txt") ]
--- reasons: valid valid
--- response_headers eval: [ "Cache-Control: public, max-age=60, s-maxage=600\nCDN-Cache-Control: max-age=600", "Cache-Control: max-age=60, private\n! CDN-Cache-Control" ]



=== a referrer policy of one's own
--- config eval: main::guarded("crossdomain_media_referrer_policy same-origin;")
--- request eval: main::asks(cf_query("/media/a.txt"), "", cf_query("/media/b.txt"), "Policy=x")
--- more_headers eval: [ "", "Cookie: " . cf_cookies("/media/a.txt"), "", "" ]
--- reasons: valid valid bad_signature token_incomplete
--- response_headers eval: [ "Referrer-Policy: same-origin", "! Referrer-Policy", "Referrer-Policy: same-origin", "Referrer-Policy: same-origin" ]



=== keys are inherited, or replaced all together
--- config eval
"crossdomain_media https://www.example.com; crossdomain_media_public_url https://media.example.org; crossdomain_media_max_age 1h; $main::Keys
 add_header X-Reason \$crossdomain_media_reason always; add_header X-Key \"\$crossdomain_media_key_id.\" always;
 location /media/ { }
 location /media/other/ {
    crossdomain_media_key \$TEST_NGINX_JWT_DIR/rsa2.pub.pem format=cloudfront id=KOTHER;
    location /media/other/django/ { crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key id=django; }
 }"
--- user_files eval: [ map { [ $_, "private\n" ] } "media/a.txt", "media/other/a.txt", "media/other/django/a.txt" ]
--- request eval
[ (map { my $target = $_; map { "GET " . cf_url($target, key => $_) } "rsa", "ec", "rsa2" } "/media/a.txt", "/media/other/a.txt"),
  "GET " . cf_url("/media/other/django/a.txt"), "GET /media/other/django/a.txt?Expires=1&" . token_arg("/media/other/django/a.txt"), "GET /media/other/django/a.txt" ]
--- more_headers eval: [ ("") x 8, "Cookie: " . cf_cookies("", resource => "*") ]
--- reasons: valid valid unknown_key unknown_key unknown_key valid no_token valid no_token
--- response_headers eval: [ map { "X-Key: $_->[0].\n$_->[1]" } [ "KRSA", "Vary: Cookie" ], [ "KEC", "Vary: Cookie" ], ([ "", "Vary: Cookie" ]) x 3, [ "KOTHER", "Vary: Cookie" ], [ "", "! Vary" ], [ "django", "! Vary" ], [ "", "! Vary" ] ]



=== keys in limit_except
--- config eval
"location / { " . main::guard('limit_except GET { crossdomain_media_key $TEST_NGINX_JWT_DIR/rsa2.pub.pem format=cloudfront id=KOTHER; }') . " }"
--- request eval: [ map { my $method = $_; map { "$method " . cf_url("/media/a.txt", key => $_) } "rsa", "rsa2" } "GET", "DELETE" ]
--- error_code eval: [ 200, 403, 403, 405 ]



=== where there is no key of CloudFront's, its parameters and cookies are the application's own
--- http_config eval: $main::Upstream
--- config eval: main::guarded("crossdomain_media_max_age 1h; $main::Proxy", 'crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=django;')
--- request eval: "GET /media/a.txt?Policy=x&" . token_arg("/media/a.txt") . "&Signature=y"
--- more_headers
Cookie: CloudFront-Policy=z
--- reasons: valid
--- response_headers
X-Seen: /media/a.txt?Policy=x&Signature=y|Policy=x&Signature=y|CloudFront-Policy=z|
! Vary



=== a site that knows neither its name nor its URL is warned of
--- http_config eval: "server { listen \$TEST_NGINX_UPSTREAM; " . main::nameless() . " }"
--- config
    location / { }
--- request
GET /open/a.txt
--- response_body
open
--- error_log eval
qr/\[warn\] .*crossdomain_media: CloudFront's signatures are over scheme and host, which this server does not know: set "crossdomain_media_public_url", or a "server_name" that is neither "_" nor a regular expression, in \S+\/nginx\.conf:[1-9][0-9]*$/



=== a site that knows its URL is not warned of
--- http_config eval: "server { listen \$TEST_NGINX_UPSTREAM; $main::Guarded }"
--- config eval: $main::Guarded
--- request eval: "GET " . cf_url("/media/a.txt")
--- granted
--- no_error_log
[warn]



=== a site that knows its name is not warned of, nor one without such keys
--- http_config eval: "server { listen \$TEST_NGINX_UPSTREAM; " . main::nameless("", 'crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;') . " }"
--- config eval: main::nameless()
--- request eval: "GET " . cf_url("/media/a.txt", site => "http://localhost:" . Test::Nginx::Util::server_port())
--- granted
--- no_error_log
[warn]



=== a public key may be read by all, since it is no secret
--- config eval: main::keyed(Jwt::write_key("cf-open.pem", key_text("rsa.pub.pem"), 0644) =~ s{.*/}{}r . " format=cloudfront id=KRSA")
--- request eval: "GET " . cf_url("/media/a.txt")
--- granted
--- no_error_log
[warn]



=== a key without an id
--- config eval: main::keyed("rsa.pub.pem format=cloudfront")
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/rsa\.pub\.pem: "format=cloudfront" needs "id=", the Key-Pair-Id that the application signs with in }



=== an id twice
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=K", "ec.pub.pem format=cloudfront id=K")
--- must_die
--- error_log eval: qr{ec\.pub\.pem: "id=K" is another key's id already in }



=== an id that could not be logged
--- config eval: main::keyed("rsa.pub.pem format=cloudfront 'id=a b'")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "id=a b": expected 1 to 64 visible ASCII characters without quotes in }



=== a private key
--- config eval: main::keyed("rsa.pem format=cloudfront id=K")
--- must_die
--- error_log eval: qr{rsa\.pem: a private key; give the public one, which is all that verifying needs in }



=== a certificate
--- config eval: main::keyed("tls.pem format=cloudfront id=K")
--- must_die
--- error_log eval: qr{tls\.pem: expected one PEM block, "PUBLIC KEY" in }



=== two keys in one file
--- config eval: main::keyed(Jwt::write_key("cf-two.pem", key_text("rsa.pub.pem") . key_text("ec.pub.pem")) =~ s{.*/}{}r . " format=cloudfront id=K")
--- must_die
--- error_log eval: qr{cf-two\.pem: expected one PEM block, "PUBLIC KEY" in }



=== a secret
--- config eval: main::keyed("hs.key format=cloudfront id=K")
--- must_die
--- error_log eval: qr{hs\.key: expected one PEM block, "PUBLIC KEY" in }



=== an Ed25519 key
--- config eval: main::keyed("ed.pub.pem format=cloudfront id=K")
--- must_die
--- error_log eval: qr{ed\.pub\.pem: expected an RSA or P-256 public key in }



=== another curve
--- config eval: main::keyed("p384.pub.pem format=cloudfront id=K")
--- must_die
--- error_log eval: qr{p384\.pub\.pem: expected an RSA or P-256 public key in }



=== a short RSA key
--- config eval: main::keyed("short.pub.pem format=cloudfront id=K")
--- must_die
--- error_log eval: qr{short\.pub\.pem: 1024 bits, an RSA key has 2048 to 8192 in }



=== a file that is not there
--- config eval: main::keyed("none.pem format=cloudfront id=K")
--- must_die
--- error_log eval: qr{none\.pem: No such file or directory}



=== an algorithm of another format
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=K alg=RS256")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "alg=RS256": expected sha1 or sha256 in }



=== parameters of other formats: path
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=K path=raw")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "path=" has no effect with "format=cloudfront" in }



=== parameters of other formats: salt
--- config eval: main::keyed("rsa.pub.pem salt=x format=cloudfront id=K")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "salt=" has no effect with "format=cloudfront" in }



=== parameters of other formats: derived
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=K derived")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "derived" has no effect with "format=cloudfront" in }



=== parameters of other formats: signs
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=K signs=parent")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "signs=" has no effect with "format=cloudfront" in }



=== parameters of other formats: max_future
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=K max_future=1s")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "max_future=" has no effect with "format=cloudfront" in }



=== parameters of other formats: path_claim
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=K path_claim=sub")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "path_claim=" has no effect with "format=cloudfront" in }



=== parameters of other formats: aud
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=K aud=x")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "aud=" has no effect with "format=cloudfront" in }



=== parameters of other formats: encoding
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=K encoding=hex")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "encoding=" has no effect with a PEM file in }



=== a canned signature is a custom policy too, unless the key says otherwise
--- config eval
join '', map { "location /media/$_->[0] { " . main::guard("", "crossdomain_media_key \$TEST_NGINX_JWT_DIR/rsa.pub.pem format=cloudfront id=KRSA $_->[1];") . " }" } [ "any/", "" ], [ "canned/", "policy=canned" ], [ "custom/", "policy=custom" ]
--- user_files eval: [ map { [ "media/$_/report.txt", "private\n" ], [ "media/$_/re", "private\n" ] } "any", "canned", "custom" ]
--- request eval
[ map { my $canned = "/media/$_/re?*"; ("GET " . cf_url($canned), "GET " . cf_url("/media/$_/report.txt", resource => $canned)) } "any", "canned", "custom" ]
--- reasons: valid valid valid token_unsupported token_unsupported valid



=== policy= is one of two
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=K policy=both")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "policy=both": expected canned or custom in }



=== policy= is CloudFront's only
--- config eval: main::keyed("hs.key format=jwt policy=canned")
--- must_die
--- error_log eval: qr{hs\.key: "policy=" has no effect with "format=jwt" in }



=== any_http is CloudFront's only: JWT
--- config eval: main::keyed("hs.key format=jwt any_http")
--- must_die
--- error_log eval: qr{hs\.key: "any_http" has no effect with "format=jwt" in }



=== any_http is CloudFront's only: Django
--- config eval: main::keyed("hs.key any_http")
--- must_die
--- error_log eval: qr{hs\.key: "any_http" has no effect with "format=django" in }



=== any_http takes no value
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=K any_http=on")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: unknown parameter "any_http=on" in }



=== a parameter twice
--- config eval: main::keyed("rsa.pub.pem format=cloudfront id=K any_http any_http")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "any_http" is given twice in }



=== a format that there is not
--- config eval: main::keyed("rsa.pub.pem format=CloudFront id=K")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "format=CloudFront": expected django, jwt or cloudfront in }

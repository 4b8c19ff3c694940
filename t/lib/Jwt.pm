package Jwt;

# JSON Web Tokens as libraries mint them, and as none would; keys of each kind in a folder of their own.

use v5.20;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use Exporter qw(import);
use File::Temp qw(tempdir);
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64url);

our @EXPORT = qw(jwt jwt_signed jwk key_text key_pair write_key);

# Named as in a configuration: $TEST_NGINX_JWT_DIR/hs.key
my $dir = tempdir('crossdomain-media-jwt-XXXXXX', TMPDIR => 1, CLEANUP => 1);
$ENV{TEST_NGINX_JWT_DIR} = $dir;

my $json = JSON::PP->new->canonical->utf8;

my %hmac = (HS256 => \&hmac_sha256, HS384 => \&hmac_sha384, HS512 => \&hmac_sha512);

# The key pair that an algorithm signs with, unless a token names another.
my %pair_of = (RS256 => 'rsa', PS256 => 'rsa', ES256 => 'ec', EdDSA => 'ed');

my %genpkey = (
    rsa => '-algorithm RSA -pkeyopt rsa_keygen_bits:2048',
    short => '-algorithm RSA -pkeyopt rsa_keygen_bits:1024',
    ec => '-algorithm EC -pkeyopt ec_paramgen_curve:P-256',
    p384 => '-algorithm EC -pkeyopt ec_paramgen_curve:P-384',
    ed => '-algorithm ED25519',
);

# The filter `eval` of a block's section runs in this package.
{
    no strict 'refs';
    *{"Test::Base::Filter::$_"} = \&$_ for @EXPORT;
}

# Long enough for each hash.
write_key('hs.key', 'a secret of the application that is longer than the longest of all hashes');
write_key('other.key', 'a secret of another application, also longer than the longest of all hashes');

sub run {
    my ($command) = @_;
    my $output = `$command 2>$dir/stderr`;
    return $output if $? == 0;
    open my $in, '<', "$dir/stderr";
    die "$command: ", <$in>;
}

# Writes a file of the folder. Returns its name as a configuration has it.
sub write_key {
    my ($name, $text, $mode) = @_;
    open my $out, '>:raw', "$dir/$name" or die "$name: $!";
    print {$out} $text;
    close $out or die "$name: $!";
    chmod $mode // 0600, "$dir/$name" or die "$name: $!";
    return "\$TEST_NGINX_JWT_DIR/$name";
}

sub key_text {
    my ($name) = @_;
    open my $in, '<:raw', "$dir/$name" or die "$name: $!";
    local $/;
    return scalar <$in>;
}

# Makes NAME.pem, which is private, and NAME.pub.pem, once: NAME is a kind, or a kind and digits.
sub key_pair {
    my ($name) = @_;
    my $private = "$dir/$name.pem";
    return $private if -e $private;
    my $kind = $name =~ s/\d+\z//r;
    # p384 has digits of its own.
    my $options = $genpkey{$name} // $genpkey{$kind} // die "$name: no such kind of key";
    run("openssl genpkey $options -out $private");
    run("openssl pkey -in $private -pubout -out $dir/$name.pub.pem");
    return $private;
}

# The public key of a pair as a JWK, with more members.
sub jwk {
    my ($name, %more) = @_;
    key_pair($name);
    my $der = decode_base64(key_text("$name.pub.pem") =~ s/-----[^-]+-----//gr);
    my $kind = $name =~ s/\d+\z//r;
    # The point stands at the end of the DER form, and so do the exponent and what says that it is three bytes long.
    my %key = $kind eq 'ed' ? (kty => 'OKP', crv => 'Ed25519', alg => 'EdDSA', x => encode_base64url(substr $der, -32))
        : $kind eq 'ec' ? (kty => 'EC', crv => 'P-256', alg => 'ES256',
            x => encode_base64url(substr $der, -64, 32), y => encode_base64url(substr $der, -32))
        : (kty => 'RSA', alg => 'RS256', n => encode_base64url(substr $der, -5 - 256, 256), e => 'AQAB');
    %key = (%key, %more);
    return { map { defined $key{$_} ? ($_ => $key{$_}) : () } keys %key };
}

# ECDSA's two numbers in 32 bytes each, from the sequence of two integers that OpenSSL writes.
sub raw_ecdsa {
    my ($der) = @_;
    my ($r, $s) = unpack 'x2 x C/a x C/a', $der;
    return join '', map { substr(("\0" x 32) . $_, -32) } $r, $s;
}

sub signature {
    my ($message, $algorithm, %opt) = @_;
    if (my $hmac = $hmac{$algorithm}) {
        return $hmac->($message, $opt{secret} // key_text($opt{key} // 'hs.key'));
    }
    my $private = key_pair($opt{key} // $pair_of{$algorithm} // die "$algorithm: no such algorithm");
    open my $out, '>:raw', "$dir/message" or die "message: $!";
    print {$out} $message;
    close $out or die "message: $!";
    return run("openssl pkeyutl -sign -rawin -inkey $private -in $dir/message") if $algorithm eq 'EdDSA';
    my $padding = $algorithm eq 'PS256' ? '-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest' : '';
    my $signature = run("openssl dgst -sha256 $padding -sign $private -binary $dir/message");
    return $algorithm eq 'ES256' ? raw_ecdsa($signature) : $signature;
}

# A text, or a structure as JSON.
sub part { my ($part) = @_; return encode_base64url(ref $part ? $json->encode($part) : $part) }

# A token with these claims, a hash or JSON as it stands; a hash gets an end in an hour unless it says otherwise.
# Options: alg (HS256), header (more members, or JSON as it stands), sign (the algorithm that signs, unless it is alg's),
# key (a file of the folder for HS..., a pair's name for others), secret (instead of a file), signature (as it stands).
sub jwt {
    my ($claims, %opt) = @_;
    my $algorithm = $opt{alg} // 'HS256';
    my $header = $opt{header} // {};
    $header = { alg => $algorithm, typ => 'JWT', %$header } if ref $header;
    if (ref $claims eq 'HASH') {
        my %claims = (exp => time + 3600, %$claims);
        # One that is undefined is left out.
        $claims = { map { defined $claims{$_} ? ($_ => $claims{$_}) : () } keys %claims };
    }
    my $message = part($header) . '.' . part($claims);
    my $signature = $opt{signature} // encode_base64url(signature($message, $opt{sign} // $algorithm, %opt));
    return "$message.$signature";
}

# A target with a token that covers it, ready for a request line.
sub jwt_signed {
    my ($path, %opt) = @_;
    return "$path?token=" . jwt({ path => $path }, %opt);
}

1;

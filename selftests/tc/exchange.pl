# SPDX-License-Identifier: GPL-2.0
#
# exchange.pl IFINDEX SMAC DMAC FAMILY PAYLOAD FLAGS EXT [TAGS]: sends an echo request and
# waits for the reply. Succeeds if each byte of the reply is right. exchange() in frames.sh
# describes the arguments.
use strict;
use warnings;

my ($ifindex, $smac, $dmac, $family, $n, $flags, $ext, $tags) = @ARGV;
$tags //= "";
s/://g for $smac, $dmac;
my $v4 = $family == 4;
my ($src, $dst) = $v4 ? ("c0000201", "c0000202") :
	("20010db8000000000000000000000001", "20010db8000000000000000000000002");
my $payload = join "", map { chr(97 + $_ % 23) } 0 .. $n - 1;

# One's complement sum (RFC 1071) over all arguments together, not inverted.
sub sum {
	my $data = join "", @_;
	my $sum = 0;
	$sum += $_ for unpack "n*", length($data) % 2 ? "$data\0" : $data;
	$sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
	return $sum;
}

# $partial: the checksum covers only the pseudo header, for checksum offload.
sub icmp {
	my ($s, $d, $type, $partial) = @_;
	my $icmp = pack("CCnnn", $type, 0, 0, 77, 5) . $payload;
	my $pseudo = $v4 ? "" : pack("H* H* N N", $s, $d, length $icmp, 58);
	my $check = $partial ? sum($pseudo) : 0xffff ^ sum($pseudo, $icmp);
	substr($icmp, 2, 2) = pack "n", $check;
	return $icmp;
}

sub ip {
	my ($s, $d, $len, $ttl) = @_;
	if ($v4) {
		my $ip = pack("CCnnnCCn H8 H8", 0x45, 0, 20 + $len, 7, 0, $ttl, 1, 0, $s, $d);
		substr($ip, 10, 2) = pack "n", 0xffff ^ sum($ip);
		return $ip;
	}
	my $opts = $ext ? pack("CCCC x" . ($ext - 4), 58, $ext / 8 - 1, 1, $ext - 4) : "";
	return pack("NnCC H32 H32", 0x60000000, $len + $ext, $ext ? 60 : 58, $ttl, $s, $d) .
		$opts;
}

sub frame {
	my ($to, $from, $s, $d, $type, $ttl, $partial, $tags) = @_;
	my $icmp = icmp($s, $d, $type, $partial);
	return pack("H12 H12 H* n", $to, $from, $tags, $v4 ? 0x800 : 0x86dd) .
		ip($s, $d, length $icmp, $ttl) . $icmp;
}

# Sends a frame. struct virtio_net_hdr in front of it says whether the device has to fill in
# the checksum, and where.
sub send_frame {
	my ($s, $frame) = @_;
	my $start = 14 + length($tags) / 2 + ($v4 ? 20 : 40 + $ext);
	my $vnet = pack("CCSSSS", $flags, 0, 0, 0, $flags ? $start : 0, $flags ? 2 : 0);
	defined send($s, $vnet . $frame, 0) or die "send: $!";
}

my $req = frame($dmac, $smac, $src, $dst, $v4 ? 8 : 128, 9, $flags, $tags);
my $reply = frame($smac, $dmac, $dst, $src, $v4 ? 0 : 129, 64, 0,
		  substr($tags, length $tags && 8));

socket(my $s, 17, 3, 0x0300) or die "socket: $!";	# AF_PACKET, ETH_P_ALL
setsockopt($s, 263, 15, pack("i", 1)) or die "PACKET_VNET_HDR: $!";
bind($s, pack("SnlSCCa8", 17, 3, $ifindex, 0, 0, 0, "")) or die "bind: $!";
send_frame($s, $req);

my ($bits, $end) = ("", time + 5);
vec($bits, fileno($s), 1) = 1;
while (time <= $end) {
	select(my $r = $bits, undef, undef, 0.1) or next;
	recv($s, my $in, 20000, 0);
	$in = substr($in, 10);
	# Skip the frame that this program sent, and neighbour discovery.
	next if $in eq $req || substr($in, 0, 6) ne substr($reply, 0, 6) ||
		length($in) < length($reply);
	print(unpack("H*", $in), "\n", unpack("H*", $reply), "\n") if $in ne $reply;
	exit($in ne $reply);
}
die "no answer\n";

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store of profiles for tests. Usage: store.py DIRECTORY WAY...

Serves on loopback, at the port that it writes to DIRECTORY/port, until it is killed. Requests are answered by the ways,
one after another; the last one answers all that follow. With CERTIFICATE and KEY in the environment, it speaks TLS. What came is in DIRECTORY: N.request has the request line and
the headers, N.form the names of the form's parts, N.profile the compressed profile; N counts from 1.
"""

import email.parser
import os
import socket
import ssl
import sys
import time

directory, ways = sys.argv[1], sys.argv[2:]


def write(name, content):
	with open(os.path.join(directory, name + ".new"), "wb") as out:
		out.write(content)
	os.rename(out.name, os.path.join(directory, name))


def read_request(link):
	data = b""
	while b"\r\n\r\n" not in data:
		piece = link.recv(65536)
		if not piece:
			return None
		data += piece
	head, body = data.split(b"\r\n\r\n", 1)
	lines = head.decode().split("\r\n")
	headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
	while len(body) < int(headers.get("content-length", 0)):
		piece = link.recv(65536)
		if not piece:
			return None
		body += piece
	return head, headers, body


def keep(number, head, headers, body):
	kind = headers.get("content-type", "")
	names, profile = [], body
	if kind.startswith("multipart/form-data"):
		form = email.parser.BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
		for part in form.get_payload():
			names.append(part.get_param("name", header="content-disposition"))
			if names[-1] == "profile":
				profile = part.get_payload(decode=True)
			else:
				write(f"{number}.{names[-1]}", part.get_payload(decode=True))
	write(f"{number}.form", " ".join(names).encode())
	write(f"{number}.profile", profile)
	write(f"{number}.request", head + b"\n")


def answer(link, way):
	if way == "ok":
		link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	elif way.isdigit():
		text = b"no room\x1b[31m today\nmore"
		link.sendall(b"HTTP/1.1 %s Error\r\nContent-Length: %d\r\n\r\n%s" % (way.encode(), len(text), text))
	elif way.startswith("wait="):
		status, seconds = way[len("wait=") :].split(",")
		link.sendall(b"HTTP/1.1 %s Later\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n" % (status.encode(), seconds.encode()))
	elif way == "drips":
		for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"X-More: x\r\n" * 1000:
			link.sendall(bytes([byte]))
			time.sleep(0.05)
	elif way == "redirects":
		link.sendall(b"HTTP/1.1 307 Elsewhere\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
	elif way == "sleeps":
		time.sleep(60)
	elif way == "breaks":
		link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhal")
	elif way == "babbles":
		link.sendall(b"hello, who is there?\n" * 10)
	elif way == "floods":
		link.sendall(b"HTTP/1.1 500 Error\r\n\r\n")
		while True:
			link.sendall(b"x" * (1 << 20))
	elif way == "heads":
		link.sendall(b"HTTP/1.1 200 OK\r\n")
		while True:
			link.sendall(b"X-More: " + b"x" * 4000 + b"\r\n")


def serve():
	server = socket.socket()
	server.bind(("127.0.0.1", 0))
	server.listen(16)
	context = None
	if "CERTIFICATE" in os.environ:
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain(os.environ["CERTIFICATE"], os.environ["KEY"])
	write("port", str(server.getsockname()[1]).encode())
	number = 0
	while True:
		link, _ = server.accept()
		with link:
			way = ways[min(number, len(ways) - 1)]
			number += 1
			try:
				if context:
					link = context.wrap_socket(link, server_side=True)
				# Hangs up in the middle of the request.
				if way == "hangs-up":
					link.recv(100)
					continue
				request = read_request(link)
				if request:
					keep(number, *request)
					answer(link, way)
			except OSError:
				pass


serve()

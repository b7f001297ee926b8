"""The command line: one module per noun or verb, which parses, calls one public function and prints."""

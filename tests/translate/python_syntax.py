"""What Python itself says of a source, in the words of dump_syntax: its tree by ast, its names by symtable."""

import ast
import symtable

BINARY = {
    ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not", ast.Lt: "less", ast.Gt: "greater", ast.LtE: "less=",
    ast.GtE: "greater=", ast.Eq: "equal", ast.NotEq: "not equal", ast.BitOr: "bit or", ast.BitXor: "bit xor", ast.BitAnd: "bit and",
    ast.LShift: "left", ast.RShift: "right", ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
    ast.FloorDiv: "floor", ast.Mod: "rest", ast.MatMult: "matrix", ast.Pow: "power", ast.Or: "or", ast.And: "and"}
UNARY = {ast.Not: "not", ast.UAdd: "plus", ast.USub: "minus", ast.Invert: "invert"}
COMPREHENSIONS = {ast.GeneratorExp: "generator", ast.ListComp: "list", ast.SetComp: "set", ast.DictComp: "dictionary"}
COMPREHENSION_TABLES = ("genexpr", "listcomp", "setcomp", "dictcomp")


class Tree(ast.NodeVisitor):
    """Lines `<depth> <kind> <detail>`, every node before those below it."""

    def __init__(self, source):
        self.lines = []
        self._source = source.encode().split(b"\n")
        self._depth = 0
        for statement in ast.parse(source).body:
            self.visit(statement)

    # ---- what the others use ----
    def line(self, kind, *details):
        self.lines.append(" ".join([str(self._depth), kind, *map(str, details)]))

    def below(self, *nodes):
        """The nodes one level deeper; a list stands for its members, None for nothing."""
        self._depth += 1
        for node in nodes:
            if isinstance(node, list):
                for member in node:
                    self.visit(member)
            elif callable(node):
                node()
            elif node is not None:
                self.visit(node)
        self._depth -= 1

    def part(self, kind, *nodes):
        def write():
            self.line(kind)
            self.below(*nodes)
        return write

    def block(self, kind, statements):
        return self.part(kind, statements) if statements else None

    def generic_visit(self, node):
        raise AssertionError(f"{type(node).__name__} is not in the words of dump_syntax")

    # ---- expressions ----
    def visit_Name(self, node):
        self.line("name", node.id)

    def visit_Constant(self, node):
        if isinstance(node.value, (str, bytes)):
            self.line("string")
        elif node.value is None or node.value is Ellipsis or isinstance(node.value, bool):
            self.line("constant", "..." if node.value is Ellipsis else node.value)
        else:
            self.line("number")

    def visit_JoinedStr(self, node):
        self.line("string")

    def sequence(self, node):
        self.line(type(node).__name__.lower())
        self.below(node.elts)

    visit_Tuple = visit_List = visit_Set = sequence

    def visit_Dict(self, node):
        self.line("dictionary")
        entries = [part for key, value in zip(node.keys, node.values)
                   for part in (key if key is not None else (lambda: self.line("all of")), value)]
        self.below(*entries)

    def comprehension_of(self, node):
        self.line("comprehension", COMPREHENSIONS[type(node)])
        element = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self.below(*element, *(self.part("async clause" if clause.is_async else "clause", clause.target, clause.iter, clause.ifs)
                               for clause in node.generators))

    visit_GeneratorExp = visit_ListComp = visit_SetComp = visit_DictComp = comprehension_of

    def visit_UnaryOp(self, node):
        self.line(UNARY[type(node.op)])
        self.below(node.operand)

    def visit_BinOp(self, node):
        self.line(BINARY[type(node.op)])
        self.below(node.left, node.right)

    def visit_Compare(self, node):
        if len(node.ops) == 1:
            self.line(BINARY[type(node.ops[0])])
            self.below(node.left, node.comparators)
        else:
            self.line("chain")
            self.below(node.left, *(self.part(BINARY[type(op)], operand) for op, operand in zip(node.ops, node.comparators)))

    def visit_BoolOp(self, node):
        self.line(BINARY[type(node.op)])
        self.below(node.values)

    def visit_IfExp(self, node):
        self.line("conditional")
        self.below(node.test, node.body, node.orelse)

    def visit_NamedExpr(self, node):
        self.line("walrus")
        self.below(node.target, node.value)

    def visit_Lambda(self, node):
        self.line("lambda")
        self.below(*self.parameters(node.args), node.body)

    def prefixed(self, node):
        kinds = {ast.Starred: "star", ast.Await: "await", ast.Yield: "yield", ast.YieldFrom: "yield from"}
        self.line(kinds[type(node)])
        self.below(node.value)

    visit_Starred = visit_Await = visit_Yield = visit_YieldFrom = prefixed

    def visit_Call(self, node):
        self.line("call")
        self.below(node.func, sorted([*node.args, *node.keywords], key=lambda one: (one.lineno, one.col_offset)))

    def visit_keyword(self, node):
        self.line(*(["double star"] if node.arg is None else ["keyword", node.arg]))
        self.below(node.value)

    def visit_Attribute(self, node):
        self.line("attribute", node.attr)
        self.below(node.value)

    def visit_Subscript(self, node):
        self.line("subscript")
        self.below(node.value, node.slice)

    def visit_Slice(self, node):
        self.line("slice")
        self.below(*(self.part(kind, one) for kind, one in (("lower", node.lower), ("upper", node.upper), ("step", node.step))
                     if one is not None))

    # ---- statements ----
    def simple(kind, *fields):
        def visit(self, node):
            self.line(kind, node.lineno)
            self.below(*(getattr(node, field) for field in fields))
        return visit

    visit_Expr = simple("expression", "value")
    visit_Assign = simple("assignment", "targets", "value")
    visit_AnnAssign = simple("annotated", "target", "annotation", "value")
    visit_Return = simple("return", "value")
    visit_Raise = simple("raise", "exc", "cause")
    visit_Assert = simple("assert", "test", "msg")
    visit_Delete = simple("delete", "targets")
    visit_Pass, visit_Break, visit_Continue = simple("pass"), simple("break"), simple("continue")

    def visit_AugAssign(self, node):
        self.line("augmented", node.lineno, BINARY[type(node.op)])
        self.below(node.target, node.value)

    def aliases(self, kind, aliases, bound):
        self.below(*((lambda alias=alias: self.line(kind, alias.name, "as", alias.asname or bound(alias.name))) for alias in aliases))

    def visit_Import(self, node):
        self.line("import", node.lineno)
        self.aliases("module", node.names, lambda path: path.split(".")[0])

    def visit_ImportFrom(self, node):
        self.lines.append(f"{self._depth} from {node.lineno} {node.level} {node.module or ''}")
        if node.names[0].name != "*":
            self.aliases("member", node.names, lambda name: name)

    def declared(kind):
        def visit(self, node):
            self.line(kind, node.lineno)
            self.below(*((lambda name=name: self.line("declared", name)) for name in node.names))
        return visit

    visit_Global, visit_Nonlocal = declared("global"), declared("nonlocal")

    def visit_If(self, node):
        self.line("if", node.lineno)
        parts = []
        while True:
            parts += [node.test, self.block("body", node.body)]
            if len(node.orelse) != 1 or not self.is_elif(node.orelse[0]):
                break
            node = node.orelse[0]
        self.below(*parts, self.block("else", node.orelse))

    def is_elif(self, node):
        return isinstance(node, ast.If) and self._source[node.lineno - 1][node.col_offset:].startswith(b"elif")

    def visit_While(self, node):
        self.line("while", node.lineno)
        self.below(node.test, self.block("body", node.body), self.block("else", node.orelse))

    def loop(self, node):
        self.line("async for" if isinstance(node, ast.AsyncFor) else "for", node.lineno)
        self.below(node.target, node.iter, self.block("body", node.body), self.block("else", node.orelse))

    visit_For = visit_AsyncFor = loop

    def with_items(self, node):
        self.line("async with" if isinstance(node, ast.AsyncWith) else "with", node.lineno)
        self.below(*(self.part("item", item.context_expr, item.optional_vars) for item in node.items), self.block("body", node.body))

    visit_With = visit_AsyncWith = with_items

    def try_block(self, node):
        self.line("try group" if isinstance(node, ast.TryStar) else "try", node.lineno)
        handlers = [self.part("handler" + (f" {handler.name}" if handler.name else ""), handler.type, self.block("body", handler.body))
                    for handler in node.handlers]
        self.below(self.block("body", node.body), *handlers, self.block("else", node.orelse), self.block("finally", node.finalbody))

    visit_Try = visit_TryStar = try_block

    def visit_Match(self, node):
        self.line("match", node.lineno)
        self.below(node.subject, *(self.part("case", one.guard, self.block("body", one.body)) for one in node.cases))

    def parameters(self, arguments):
        plain = [*arguments.posonlyargs, *arguments.args]
        defaults = [None] * (len(plain) - len(arguments.defaults)) + arguments.defaults
        found = [*zip(plain, defaults), (arguments.vararg, None), *zip(arguments.kwonlyargs, arguments.kw_defaults),
                 (arguments.kwarg, None)]
        return [self.part(f"parameter {parameter.arg}", *([self.part("annotation", parameter.annotation)] if parameter.annotation else []),
                          default) for parameter, default in found if parameter is not None]

    def function(self, node):
        self.line("async def" if isinstance(node, ast.AsyncFunctionDef) else "def", node.lineno, node.name)
        self.below(*(self.part("decorator", one) for one in node.decorator_list), *self.parameters(node.args),
                   *([self.part("result", node.returns)] if node.returns else []), self.block("body", node.body))

    visit_FunctionDef = visit_AsyncFunctionDef = function

    def visit_ClassDef(self, node):
        self.line("class", node.lineno, node.name)
        arguments = sorted([*node.bases, *node.keywords], key=lambda one: (one.lineno, one.col_offset))
        self.below(*(self.part("decorator", one) for one in node.decorator_list), arguments, self.block("body", node.body))


def scopes_of(source, path):
    """(kind, {name: resolution}) of each scope: module, function, class, comprehension; local, enclosing, global."""
    found = []

    def add(table, class_name):
        kind = table.get_type()
        if kind == "function" and table.get_name() in COMPREHENSION_TABLES:
            kind = "comprehension"
        names = {plain_name(symbol.get_name(), class_name): resolution_of(symbol, kind) for symbol in table.get_symbols()
                 if is_of_the_source(symbol, kind)}
        found.append((kind, names))
        for child in table.get_children():
            add(child, child.get_name() if child.get_type() == "class" else class_name)

    add(symtable.symtable(source, path, "exec"), None)
    return found


def is_of_the_source(symbol, kind):
    """Not what the compiler adds: its own names, those that are handed through to a scope within, and := in a comprehension."""
    if symbol.get_name() == ".0" or (symbol.get_name() == "__class__" and not symbol.is_assigned()):
        return False
    if not symbol.is_free() or symbol.is_referenced():
        return True
    return kind != "comprehension" and (symbol.is_assigned() or symbol.is_nonlocal())


def resolution_of(symbol, kind):
    if symbol.is_free():
        return "enclosing"
    # What a module binds is everybody's.
    return "local" if symbol.is_local() and kind != "module" else "global"


def plain_name(name, class_name):
    """The name as the source has it: names of classes with two underscores in front get that of the class before them."""
    prefix = f"_{(class_name or '').lstrip('_')}__"
    return name[len(prefix) - 2:] if class_name and name.startswith(prefix) and not name.endswith("__") else name

-- What a Lua program full of tables does: trees, strings, closures. work.lua ROUNDS
-- Prints a checksum, which is the same on every allocator.
local rounds = tonumber(arg[1])

local function tree(depth)
  if depth == 0 then return {value = 1} end
  return {left = tree(depth - 1), right = tree(depth - 1), value = depth}
end

local function sum(node)
  if not node.left then return node.value end
  return node.value + sum(node.left) + sum(node.right)
end

-- A long-lived index whose entries are replaced a few at a time, while the rest of the work is short-lived.
local index = {}
local function reindex(round)
  for i = 1, 6000 do
    local key = "key" .. (i * 7919 + round * 104729) % 60000
    index[key] = {name = key:upper(), tags = {round, i, i % 17}, text = string.rep("v", i % 60)}
  end
end

local function words(round)
  local parts = {}
  for i = 1, 4000 do parts[#parts + 1] = string.format("%d:%s", i * round % 977, string.rep("x", i % 50)) end
  local count = {}
  for word in table.concat(parts, " "):gmatch("%d+") do count[word] = (count[word] or 0) + 1 end
  local names = {}
  for word in pairs(count) do names[#names + 1] = word end
  table.sort(names)
  return #names + count[names[1]]
end

local function closures()
  local stack = {}
  for i = 1, 5000 do
    local below = stack[#stack]
    stack[#stack + 1] = function(x) return (below and i % 50 ~= 0) and below(x + i) % 1000003 or x end
  end
  return stack[#stack - 1](1)
end

local checksum = 0
for round = 1, rounds do
  reindex(round)
  checksum = (checksum * 31 + sum(tree(12)) + words(round) + closures()) % 2147483647
end
local entries = 0
for _, entry in pairs(index) do entries = entries + #entry.text + entry.tags[3] end
print(string.format("%d rounds, checksum %d, index %d", rounds, checksum, entries))

// What a Java program does to malloc underneath its own heap; prints only what every run must print alike.
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

public class Work {
    static long checksum(byte[] bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        return crc.getValue();
    }

    static long objects() {
        Map<String, List<Integer>> table = new HashMap<>();
        for (int i = 0; i < 300000; i++) {
            table.computeIfAbsent("key" + i % 5003, key -> new ArrayList<>()).add(i);
            if (i % 70000 == 0) table.clear();
        }
        return table.values().stream().mapToLong(List::size).sum();
    }

    static long directBuffers() {
        long sum = 0;
        List<ByteBuffer> kept = new ArrayList<>();
        for (int i = 1; i <= 2000; i++) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(i * 61 % 30000 + 8);
            buffer.putLong(0, i);
            if (i % 4 == 0) kept.add(buffer);
            if (kept.size() > 100) sum += kept.remove(i % 50).getLong(0);
        }
        return sum;
    }

    static long compress(int seed) throws Exception {
        byte[] text = new byte[200000];
        for (int i = 0; i < text.length; i++) text[i] = (byte) (i * seed % 251 / 16);
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(text);
        }
        return checksum(new GZIPInputStream(new ByteArrayInputStream(packed.toByteArray())).readAllBytes());
    }

    static long threads() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(6);
        List<Future<Long>> results = new ArrayList<>();
        for (int i = 1; i <= 40; i++) {
            int seed = i;
            results.add(pool.submit(() -> compress(seed)));
        }
        long sum = 0;
        for (Future<Long> result : results) sum += result.get();
        pool.shutdown();
        for (int i = 0; i < 200; i++) {
            Thread thread = new Thread(null, () -> new StringBuilder().append("x".repeat(500)), "short", 65536);
            thread.start();
            thread.join();
        }
        return sum + IntStream.range(0, 200000).parallel().mapToObj(Integer::toString).mapToLong(String::length).sum();
    }

    static String children() throws Exception {
        StringBuilder said = new StringBuilder();
        for (int i = 0; i < 5; i++) {
            Process child = new ProcessBuilder("sh", "-c", "echo child " + i).redirectErrorStream(true).start();
            said.append(new String(child.getInputStream().readAllBytes()).strip()).append(child.waitFor()).append(' ');
        }
        return said.toString();
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println("objects " + objects());
        System.out.println("direct buffers " + directBuffers());
        System.gc();
        System.out.println("threads " + threads());
        System.out.println("children " + children());
    }
}
